"""What servers leave in homes: the hub has it removed, and waits for none of it."""

from __future__ import annotations

from doubles.slurm_in_memory import SlurmInMemory

from hpcbinderhub.site import Site
from hpcbinderhub.slurm.cluster import Cluster
from hpcbinderhub.slurm.leftovers import Leftovers

from .rig import Rig

LAUNCHES = "/home/alice/hpcbinder/launches"


async def test_the_keys_of_a_stopped_server_are_removed(rig: Rig) -> None:
    await rig.ready()
    assert rig.slurm.cleared == []
    await rig.user("alice").stop("lab")
    await rig.facility.leftovers.settled()
    assert rig.slurm.cleared == [("alice", f"{LAUNCHES}/launch000000")]


async def test_the_keys_of_a_server_that_was_killed_are_removed(rig: Rig) -> None:
    job = await rig.ready()
    rig.slurm.end(job, "NODE_FAIL")
    await rig.looked()
    assert await rig.spawner().poll() == 1
    await rig.facility.leftovers.settled()
    assert rig.slurm.cleared == [("alice", f"{LAUNCHES}/launch000000")]


async def test_a_job_that_had_no_keys_yet_costs_nothing(rig: Rig) -> None:
    rig.start()
    await rig.submitted()
    await rig.spawner().delete_forever()
    await rig.facility.leftovers.settled()
    assert rig.slurm.cleared == []


async def test_old_folders_are_swept_once_a_day_for_each_user(rig: Rig) -> None:
    await rig.ready()
    await rig.ready(server="other")
    await rig.ready("bob")
    await rig.facility.leftovers.settled()
    assert rig.slurm.swept == [
        ("alice", LAUNCHES, 90),
        ("bob", "/home/bob/hpcbinder/launches", 90),
    ]
    rig.clock.advance(25 * 3600)
    rig.start(server="third")
    await rig.submitted(4)
    await rig.facility.leftovers.settled()
    assert [user for user, *_ in rig.slurm.swept] == ["alice", "bob", "alice"]


async def test_a_site_that_keeps_folders_for_ever_sweeps_none(rig: Rig) -> None:
    rig.configure(launch_folder_days=0)
    await rig.ready()
    await rig.facility.leftovers.settled()
    assert rig.slurm.swept == []


async def test_a_cluster_that_is_away_ends_nothing_else() -> None:
    slurm = SlurmInMemory()
    slurm.down = True
    leftovers = Leftovers(Cluster(slurm, Site()), 30)
    leftovers.ended("alice", f"{LAUNCHES}/one")
    leftovers.began("alice", f"{LAUNCHES}/two")
    await leftovers.settled()
    assert slurm.asked == {"clear-keys": 1, "sweep-launches": 1}
