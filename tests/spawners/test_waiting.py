"""Waiting: in the queue, for Slurm, for others; and giving up."""

from __future__ import annotations

import asyncio
import time

import pytest
from jupyterhub.spawner import SpawnException

from hpcbinderhub.slurm.framing import AgentError

from .rig import SECONDS, Rig, eventually


@pytest.mark.slow
async def test_number_151_starts_while_150_wait(rig: Rig) -> None:
    rig.configure(submissions_at_once=4)
    for number in range(150):
        rig.start(f"user{number}", launch=f"waiting{number:05d}")
    await rig.submitted(150)
    assert rig.slurm.most_submitting == 4
    before = set(rig.slurm.jobs)
    start = rig.start("alice")
    await eventually(lambda: len(rig.slurm.jobs) == 151)
    (job,) = set(rig.slurm.jobs) - before
    rig.slurm.run(job)
    await rig.looked()
    await rig.answer(job)
    await start
    asked = rig.slurm.asked["observe"]
    await rig.facility.watcher.wait()
    assert rig.slurm.asked["observe"] - asked <= 3  # One question for all.


async def test_a_queue_that_takes_too_long_ends_the_start(rig: Rig) -> None:
    rig.profile(queue_minutes=30)
    start = rig.start("alice")
    (job,) = await rig.submitted()
    rig.clock.advance(29 * 60)
    await rig.looked()
    assert not start.done()
    rig.clock.advance(2 * 60)
    with pytest.raises(SpawnException, match="waited 30 minutes in the queue"):
        await asyncio.wait_for(start, SECONDS)
    assert rig.slurm.rows[job]["state"] == "CANCELLED"


async def test_the_clock_of_a_start_runs_from_running_alone(rig: Rig) -> None:
    rig.profile(startup_seconds=60)
    start = rig.start("alice")
    (job,) = await rig.submitted()
    rig.clock.advance(3600)
    await rig.looked()
    rig.slurm.run(job)
    await rig.looked()
    rig.slurm.change(job, "SUSPENDED")
    await rig.looked()
    assert rig.words() == "Slurm has suspended the job on 127.0.0.1. It goes on by itself."
    rig.clock.advance(3600)
    await rig.looked()
    assert not start.done()
    rig.slurm.change(job, "RUNNING")
    await rig.looked()
    rig.clock.advance(61)
    with pytest.raises(SpawnException, match="did not answer in 60 s"):
        await asyncio.wait_for(start, SECONDS)
    assert rig.slurm.rows[job]["state"] == "CANCELLED"


async def test_place_and_expected_start_are_told(rig: Rig) -> None:
    rig.start("alice")
    (job,) = await rig.submitted()
    rig.slurm.change(job, "PENDING", ahead=3, started=int(time.time()) + 305)
    await rig.looked()
    assert rig.words() == (
        "Waiting in the queue. Jobs of higher priority are ahead in the queue. "
        "3 jobs are ahead of it. Slurm expects it to start in about 5 minutes."
    )


async def test_a_cancel_while_sbatch_is_on_its_way_leaves_no_job(rig: Rig) -> None:
    rig.slurm.sbatch.clear()
    start = rig.start("alice")
    await eventually(lambda: rig.slurm.submitting)
    start.cancel()
    stop = asyncio.create_task(rig.user("alice").stop("lab"))
    await asyncio.sleep(0.1)
    assert not stop.done()
    rig.slurm.sbatch.set()
    await asyncio.wait_for(stop, SECONDS)
    assert len(rig.slurm.rows) == 1
    assert not rig.slurm.jobs


async def test_a_launch_and_its_end_outlast_a_silence(rig: Rig) -> None:
    rig.slurm.refusal = AgentError("unreachable", "Unable to contact slurm controller")
    start = rig.start("alice")
    await eventually(lambda: "does not answer; trying again" in rig.words())
    rig.slurm.refusal = None
    await rig.submitted()
    start.cancel()
    rig.slurm.down = True
    stop = asyncio.create_task(rig.user("alice").stop("lab"))
    await asyncio.sleep(0.1)
    rig.slurm.down = False
    await asyncio.wait_for(stop, SECONDS)
    assert not rig.slurm.jobs


async def test_a_server_that_is_removed_after_a_restart_leaves_no_job(rig: Rig) -> None:
    rig.start("alice")
    await rig.submitted()
    await rig.restart()
    await rig.chooser().delete_forever()
    assert not rig.slurm.jobs
