"""A site where no account may see everybody's jobs: users' own accounts are asked, each for hers.

Slurm shows nobody the jobs of others here (`PrivateData=jobs`); the watcher's account has lost the
right to see them all the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from cluster.person import Person
from cluster.rig import Rig, eventually

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

QUICKSTART = "http://git/quickstart.git"
WATCHER = ("sacctmgr", "-i", "modify", "user", "hpcwatch", "set")


@pytest.fixture
def blind(rig: Rig) -> Iterator[None]:
    """The watcher sees no job, and the hub is configured accordingly."""
    rig.slurm(*WATCHER, "AdminLevel=None")
    try:
        with rig.hub_with("c.Site.watch_as = 'users'"):
            yield
    finally:
        rig.slurm(*WATCHER, "AdminLevel=Operator")


def told(person: Person) -> dict[str, Any]:
    """What the hub tells of a person's servers."""
    answer = person.hub("GET", f"hpcbinderhub/servers/{person.name}")
    answer.raise_for_status()
    return dict(answer.json())


def alive(person: Person) -> tuple[str, str, str]:
    """Of the one server that is alive: how it is, its job, its node."""
    (server,) = told(person)["servers"]
    return server["stage"], server["job"], server["node"]


def by_slurm(person: Person, rig: Rig) -> tuple[str, str, str]:
    """The same, by Slurm's word to root."""
    (job,) = rig.jobs(person.name)
    row = rig.slurm("squeue", "--noheader", f"--jobs={job}", "--format=%T|%i|%B").lower()
    stage, number, node = row.split("|")
    return stage, number, node


@pytest.mark.usefixtures("blind")
def test_each_server_is_as_its_owners_account_sees_it(alice: Person, bob: Person, rig: Rig) -> None:
    # Bob's login shell is tcsh.
    launches = {person: person.launch(QUICKSTART, start_when_ready=True) for person in (alice, bob)}
    for person, launch in launches.items():
        last = person.follow(launch)
        assert last["phase"] == "ready", last
    seen = rig.cluster.run("login", "squeue", "--noheader", user="hpcwatch")
    assert seen.stdout == ""
    for person in launches:
        eventually(lambda person=person: alive(person) == by_slurm(person, rig), 180, "it is right")
    _, job, _ = alive(bob)
    rig.cluster.run("login", "scancel", job, user="bob")
    eventually(lambda: told(bob)["ended"] and not bob.servers(), 180, "its end is known")
    (end,) = [one for one in told(bob)["ended"] if one["job"] == job]
    assert (end["launch"], end["stage"]) == (launches[bob], "ended")
    assert "cancel" in end["words"].lower(), end
    assert alive(alice) == by_slurm(alice, rig)
    assert [one["launch"] for one in told(alice)["ended"]].count(launches[alice]) == 0
