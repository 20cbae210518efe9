"""How servers end, and what is said of it."""

from __future__ import annotations

import asyncio
from typing import NoReturn

import pytest
from jupyterhub.spawner import SpawnException

from hpcbinderhub.errors import Unavailable
from hpcbinderhub.launches.serverstate import ServerStage

from .rig import Rig, eventually


async def test_scancel_of_a_pending_job_ends_the_start(rig: Rig) -> None:
    start = rig.start("alice")
    (job,) = await rig.submitted()
    rig.slurm.end(job, "CANCELLED", by="0")
    with pytest.raises(SpawnException) as caught:
        await asyncio.wait_for(start, 5)
    assert "ended while it waited in the queue. An administrator cancelled" in str(caught.value)


@pytest.mark.parametrize(
    ("state", "sentence"),
    [
        ("TIMEOUT", "The job reached its time limit."),
        ("OUT_OF_MEMORY", "The job used more memory than it had asked for."),
        ("NODE_FAIL", "The compute node failed."),
        ("PREEMPTED", "The job made room for one of higher priority."),
        ("FAILED", "The job failed with exit code 3."),
    ],
)
async def test_a_running_server_s_end_is_kept_with_what_to_do(
    rig: Rig, state: str, sentence: str
) -> None:
    job = await rig.ready("alice")
    rig.slurm.end(job, state, "3:0")
    await rig.looked()
    assert await rig.chooser().poll() == 1
    (end,) = rig.facility.endings.of("alice")
    assert (end.stage, end.words, end.job) == (ServerStage.ENDED, sentence, job)
    assert end.advice
    assert end.node == "127.0.0.1"


async def test_absence_from_the_queue_is_no_end(rig: Rig) -> None:
    job = await rig.ready("alice")
    rig.slurm.accounting_down = True
    rig.slurm.forgotten.add(job)
    rig.slurm.end(job)
    await rig.looked()
    assert await rig.chooser().poll() is None
    rig.clock.advance(120)
    await rig.looked()
    state = rig.spawner().state()
    assert state is not None
    assert state.stage is ServerStage.UNKNOWN
    assert "Slurm has not named this job" in state.words
    assert "What was known last: Running on 127.0.0.1" in state.words
    rig.slurm.accounting_down = False
    rig.clock.advance(600)
    await eventually(lambda: rig.spawner()._job().state == "COMPLETED")
    assert await rig.chooser().poll() == 1


async def test_a_silent_cluster_ends_nothing_and_the_page_says_so(rig: Rig) -> None:
    rig.start("alice")
    await rig.submitted()
    rig.slurm.down = True
    rig.clock.advance(40)
    await eventually(lambda: "Slurm has not answered" in rig.words())
    assert rig.words() == (
        "Slurm has not answered for 40 seconds. What was known last: "
        "Waiting in the queue. Jobs of higher priority are ahead in the queue."
    )
    rig.slurm.down = False
    await eventually(lambda: rig.words().startswith("Waiting in the queue."))


async def test_a_job_that_was_put_back_ends_with_a_sentence(rig: Rig) -> None:
    job = await rig.ready("alice")
    rig.slurm.change(job, "PENDING", node="", started=0)
    await rig.looked()
    assert await rig.chooser().poll() == 1
    assert rig.slurm.rows[job]["state"] == "CANCELLED"
    assert "put the job back" in rig.facility.endings.of("alice")[0].words


async def test_a_job_that_claims_while_the_last_look_is_old_was_not_put_back(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def silence(_jobs: object) -> NoReturn:
        raise Unavailable("slurmctld is busy")

    start = rig.start("alice")
    (job,) = await rig.submitted()
    with monkeypatch.context() as patch:
        patch.setattr(rig.facility.watcher, "_observe", silence)
        rig.slurm.run(job)
        await rig.answer(job)
        await start
        assert await rig.chooser().poll() is None
    assert rig.slurm.jobs == [job]


async def test_a_second_run_of_the_job_does_not_claim(rig: Rig) -> None:
    rig.start("alice")
    (job,) = await rig.submitted()
    ticket = rig.slurm.ticket(job)
    rig.slurm.run(job)
    await rig.looked()
    await rig.spawner().claim(ticket, job)
    rig.slurm.change(job, "RUNNING", started=rig.slurm.rows[job]["started"] + 30)
    with pytest.raises(Exception, match="claimed"):
        await rig.spawner().claim(ticket, job)
