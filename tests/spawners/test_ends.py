"""How servers end, and what is said of it."""

from __future__ import annotations

import asyncio
from typing import NoReturn

import pytest
from doubles.slurm_in_memory import CLAIMANT
from hpcbinderhub.spawners.status import ends_of, states_of
from jupyterhub.spawner import SpawnException

from hpcbinderhub.errors import Unavailable
from hpcbinderhub.launches.serverstate import ServerStage

from .rig import SECONDS, Rig, eventually


async def test_scancel_of_a_pending_job_ends_the_start(rig: Rig) -> None:
    start = rig.start("alice")
    (job,) = await rig.submitted()
    rig.slurm.end(job, "CANCELLED", by="0")
    with pytest.raises(SpawnException) as caught:
        await asyncio.wait_for(start, SECONDS)
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
    (end,) = ends_of(rig.user("alice"))
    assert (end.stage, end.words, end.job) == (ServerStage.ENDED, sentence, job)
    assert end.advice
    assert end.node == "127.0.0.1"


async def test_an_end_is_noticed_by_the_look_that_saw_it(rig: Rig) -> None:
    job = await rig.ready("alice")
    told: list[str] = []
    rig.chooser().poll_interval = 3600
    rig.chooser().add_poll_callback(told.append, "ended")
    rig.chooser().start_polling()
    await rig.looked()
    assert not told
    rig.slurm.end(job, "TIMEOUT")
    await eventually(lambda: told)
    assert told == ["ended"]


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
    await eventually(lambda: rig.spawner()._held.seen().state == "COMPLETED")
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
    (end,) = ends_of(rig.user("alice"))
    assert "put the job back into the queue" in end.words
    assert "Resume it" in end.advice


async def test_a_second_run_that_was_refused_is_not_what_the_server_ended_of(rig: Rig) -> None:
    job = await rig.ready("alice")
    again = rig.slurm.rows[job]["started"] + 30
    rig.slurm.end(job, "FAILED", "3:0", started=again)
    await rig.looked()
    assert await rig.chooser().poll() == 1
    (end,) = ends_of(rig.user("alice"))
    assert "put the job back into the queue" in end.words


async def test_a_job_that_lost_its_node_before_it_claimed_starts_on_another(rig: Rig) -> None:
    rig.profile(requeue=True, queue_minutes=10, startup_seconds=100)
    start = rig.start("alice")
    (job,) = await rig.submitted()
    assert "--requeue" in rig.slurm.options(job)
    rig.clock.advance(500)
    rig.slurm.run(job)
    await rig.looked()
    rig.clock.advance(90)
    await rig.looked()
    rig.slurm.change(job, "PENDING", node="", started=0, reason="BeginTime")
    await eventually(lambda: rig.words().startswith("Waiting in the queue."))
    # What it may take in the queue and on a node counts from here on.
    rig.clock.advance(500)
    await rig.looked()
    rig.slurm.run(job)
    await rig.looked()
    rig.clock.advance(90)
    await rig.looked()
    await rig.answer(job)
    await start
    assert rig.slurm.jobs == [job]
    assert states_of(rig.user("alice"))[0].stage is ServerStage.RUNNING


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
    await rig.spawner().claim(ticket, job, CLAIMANT)
    rig.slurm.change(job, "RUNNING", started=rig.slurm.rows[job]["started"] + 30)
    # Whichever is noticed first: what it claimed, or that its first run is gone.
    with pytest.raises(Exception, match=r"claimed|is over"):
        await rig.spawner().claim(ticket, job, CLAIMANT)


async def test_an_end_is_known_until_its_server_s_name_is_removed(rig: Rig) -> None:
    job = await rig.ready("alice")
    rig.slurm.end(job, "TIMEOUT")
    await rig.looked()
    assert await rig.chooser().poll() == 1
    await rig.user("alice").stop("lab")  # JupyterHub's own, once it has heard of the end.
    await rig.restart()
    alice = rig.user("alice")
    (end,) = ends_of(alice)
    assert (end.name, end.launch, end.job) == ("lab", "launch000000", job)
    assert end.words == "The job reached its time limit."
    assert states_of(alice) == []
    # Nor does it go with the hub that read it.
    await rig.restart()
    assert ends_of(rig.user("alice")) == [end]
    await rig.user("alice").delete_spawners()
    rig.db.delete(rig.user("alice").orm_spawners["lab"])
    rig.db.commit()
    await rig.restart()
    assert ends_of(rig.user("alice")) == []


async def test_a_server_that_ended_while_the_hub_was_away_says_how(rig: Rig) -> None:
    job = await rig.ready("alice")
    rig.slurm.end(job, "NODE_FAIL")
    await rig.restart()
    # Both are JupyterHub's own, when it starts.
    await eventually(lambda: rig.chooser() and rig.facility.watcher.job(job, "alice"))
    assert await rig.chooser().poll() == 1
    await rig.user("alice").stop("lab")
    await rig.restart()
    assert [end.words for end in ends_of(rig.user("alice"))] == ["The compute node failed."]
    # The name is free for the next launch, whose end takes the place of this one's.
    second = await rig.ready("alice", launch="launch000002")
    rig.slurm.end(second, "TIMEOUT")
    await rig.looked()
    assert await rig.chooser().poll() == 1
    assert [end.launch for end in ends_of(rig.user("alice"))] == ["launch000002"]
