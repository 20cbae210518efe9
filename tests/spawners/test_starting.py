"""A start, from the request to the server that answers."""

from __future__ import annotations

from typing import Any

import pytest
from jupyterhub.spawner import SpawnException

from .rig import PROFILE, Rig, eventually


async def test_a_server_starts(rig: Rig) -> None:
    start = rig.start("alice")
    (job,) = await rig.submitted()
    assert rig.words() == "Waiting in the queue. Jobs of higher priority are ahead in the queue."
    rig.slurm.run(job)
    await rig.looked()
    await rig.answer(job)
    await start
    assert await rig.chooser().poll() is None
    record = rig.spawner().get_state()["job"]
    assert rig.user("alice").spawners["lab"].server.port == record["hop_port"]
    assert record["hop"]["server_key"] == ""  # The server has it, and nobody else needs it.


async def test_a_job_that_dies_first_ends_the_start_with_its_last_lines(rig: Rig) -> None:
    start = rig.start("alice")
    (job,) = await rig.submitted()
    rig.slurm.run(job)
    rig.slurm.log(job, "one\ntwo\nch-run: no such image\n")
    rig.slurm.end(job, "FAILED", "1:0")
    with pytest.raises(SpawnException) as caught:
        await start
    assert "ended before JupyterLab answered" in str(caught.value)
    assert "ch-run: no such image" in str(caught.value)


async def test_stopping_a_server_cancels_its_job(rig: Rig) -> None:
    job = await rig.ready("alice")
    await rig.user("alice").stop("lab")
    assert rig.slurm.rows[job]["state"] == "CANCELLED"


async def test_a_pending_job_survives_a_restart_of_the_hub(rig: Rig) -> None:
    options = {"launch": "launch000001"}
    rig.start("alice", **options)
    (job,) = await rig.submitted()
    await rig.restart()
    assert await rig.chooser().poll() == 0  # JupyterHub tidies up, and stops nothing.
    start = rig.start("alice", **options)
    await rig.submitted()
    assert rig.slurm.jobs == [job]
    rig.slurm.run(job)
    await rig.looked()
    await rig.answer(job)
    await start


RENAMED = [PROFILE | {"name": "medium"}]


@pytest.mark.parametrize(
    "changed",
    [
        {"name": "medium"},
        {"groups": ["physics"]},
        {"images_allowed": ["https://github.com/our-centre/*"]},
    ],
)
async def test_a_start_that_is_refused_after_a_restart_leaves_no_job(
    rig: Rig, changed: dict[str, Any]
) -> None:
    rig.start("alice", launch="launch000001")
    (job,) = await rig.submitted()
    await rig.restart(profiles=[PROFILE | changed])
    with pytest.raises(SpawnException):
        await rig.start("alice", launch="launch000001")
    assert rig.slurm.rows[job]["state"] == "CANCELLED"


async def test_a_job_whose_start_is_refused_is_cancelled_when_the_cluster_answers(rig: Rig) -> None:
    rig.start("alice", launch="launch000001")
    (job,) = await rig.submitted()
    await rig.restart(profiles=RENAMED)
    rig.slurm.down = True
    start = rig.start("alice", launch="launch000001")
    await eventually(lambda: "The cluster does not answer" in rig.words())
    # It is known for as long, even if this hub is killed, too.
    assert rig.chooser().get_state()["child_state"]["job"]["id"] == job
    rig.slurm.down = False
    with pytest.raises(SpawnException, match="There is no profile"):
        await start
    assert rig.slurm.rows[job]["state"] == "CANCELLED"


async def test_a_server_runs_on_when_its_profile_is_gone(rig: Rig) -> None:
    job = await rig.ready("alice")
    await rig.restart(profiles=RENAMED)
    await eventually(lambda: rig.chooser() and rig.facility.watcher.job(job, "alice"))
    assert await rig.chooser().poll() is None
    assert rig.slurm.rows[job]["state"] == "RUNNING"
    assert await rig.spawner().time_left(rig.spawner().handed_out_token)
    await rig.user("alice").stop("lab")
    assert rig.slurm.rows[job]["state"] == "CANCELLED"
