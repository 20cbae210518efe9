"""A start, from the request to the server that answers."""

from __future__ import annotations

import pytest
from jupyterhub.spawner import SpawnException

from .rig import Rig


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
