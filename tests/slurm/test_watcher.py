"""The watcher: one question for all, and no conclusions from silence."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from hpcbinderhub.errors import Unavailable
from hpcbinderhub.slurm.jobs import Job, Stage, job_from
from hpcbinderhub.slurm.watcher import Watcher


def job(number: str, state: str, reason: str = "") -> Job:
    return job_from(
        {
            "id": number, "uid": "2001", "name": "n", "state": state, "reason": reason,
            "node": "c1", "submitted": 1, "started": 2, "ends": 3, "exit_code": "",
        }
    )  # fmt: skip


class Slurm:
    """Answers with what the test sets, and counts how often it is asked."""

    def __init__(self) -> None:
        self.jobs: dict[str, Job] = {}
        self.down = False
        self.asked: list[set[str]] = []

    async def observe(self, jobs: Iterable[str]) -> dict[str, Job]:
        self.asked.append(set(jobs))
        if self.down:
            raise Unavailable("no answer")
        return {number: self.jobs[number] for number in jobs if number in self.jobs}


async def test_one_question_covers_every_job() -> None:
    slurm = Slurm()
    slurm.jobs = {"1": job("1", "RUNNING"), "2": job("2", "PENDING")}
    watcher = Watcher(slurm.observe, 0.01)
    watcher.follow("1")
    watcher.follow("2")
    await watcher.fresh("2")
    assert slurm.asked[-1] == {"1", "2"}
    first, second = watcher.job("1"), watcher.job("2")
    assert first is not None
    assert second is not None
    assert (first.stage, second.stage) == (Stage.RUNNING, Stage.PENDING)
    await watcher.close()


async def test_silence_and_absence_end_nothing() -> None:
    slurm = Slurm()
    slurm.jobs = {"1": job("1", "RUNNING")}
    watcher = Watcher(slurm.observe, 0.01)
    watcher.follow("1")
    await watcher.fresh("1")
    slurm.jobs = {}
    await watcher.fresh("1")
    slurm.down = True
    await asyncio.sleep(0.1)
    known = watcher.job("1")
    assert known is not None
    assert known.stage is Stage.RUNNING
    assert watcher.age > 0.05
    await watcher.close()


async def test_a_slow_controller_is_asked_less_often() -> None:
    slurm = Slurm()
    slurm.down = True
    watcher = Watcher(slurm.observe, 0.01)
    watcher.follow("1")
    await asyncio.sleep(0.5)
    assert 3 <= len(slurm.asked) <= 8
    await watcher.close()


async def test_nobody_asks_when_nobody_waits() -> None:
    slurm = Slurm()
    watcher = Watcher(slurm.observe, 0.01)
    watcher.follow("1")
    await asyncio.sleep(0.05)
    watcher.forget("1")
    await asyncio.sleep(0.05)
    asked = len(slurm.asked)
    await asyncio.sleep(0.05)
    assert len(slurm.asked) == asked


def test_a_state_that_we_do_not_know_is_not_an_end() -> None:
    assert job("1", "SOMETHING_NEW").stage is Stage.RUNNING
    assert job("1", "SUSPENDED").stage is Stage.RUNNING
    assert job("1", "REQUEUED").stage is Stage.PENDING
