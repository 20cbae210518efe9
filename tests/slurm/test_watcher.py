"""The watcher: one question for all, and no conclusions from silence."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from itertools import pairwise

from hpcbinderhub.errors import Unavailable
from hpcbinderhub.slurm.jobs import Job, Owned, Stage, job_from
from hpcbinderhub.slurm.watcher import Watcher

SECONDS = 60.0
"""For what takes moments, unless the machine is busy."""


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
        self.times: list[float] = []
        """When that was."""

    async def observe(self, jobs: Iterable[Owned]) -> dict[Owned, Job]:
        self.asked.append({one.job for one in jobs})
        self.times.append(time.monotonic())
        if self.down:
            raise Unavailable("no answer")
        return {one: self.jobs[one.job] for one in jobs if one.job in self.jobs}


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


async def test_who_follows_a_job_is_told_when_it_changes() -> None:
    slurm = Slurm()
    slurm.jobs = {"1": job("1", "PENDING"), "2": job("2", "PENDING")}
    watcher = Watcher(slurm.observe, 0.01)
    told: list[str] = []
    watcher.follow("1", news=lambda: told.append("1"))
    watcher.follow("2", news=lambda: told.append("2"))
    await watcher.fresh("2")
    assert sorted(told) == ["1", "2"]
    await watcher.fresh("2")
    assert len(told) == 2
    slurm.jobs["2"] = job("2", "RUNNING")
    await watcher.fresh("2")
    watcher.forget("1")
    slurm.jobs["1"] = job("1", "RUNNING")
    await watcher.fresh("2")
    assert told[2:] == ["2"]
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
    async with asyncio.timeout(SECONDS):
        while len(slurm.asked) < 7:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    await watcher.close()
    pauses = [later - earlier for earlier, later in pairwise(slurm.times)]
    for number, pause in enumerate(pauses[:6], 1):
        assert pause >= 0.01 * 2**number * 0.9


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


async def test_accounting_is_asked_only_about_what_the_queue_does_not_name() -> None:
    slurm, accounting = Slurm(), Slurm()
    slurm.jobs = {"1": job("1", "RUNNING")}
    accounting.jobs = {"2": job("2", "COMPLETED")}
    watcher = Watcher(slurm.observe, 0.01, history=accounting.observe)
    watcher.follow("1")
    await watcher.fresh("1")
    assert accounting.asked == []
    watcher.follow("2")
    while watcher.job("2") is None:
        await watcher.wait()
    assert accounting.asked[0] == {"2"}
    await watcher.close()


async def test_accounting_that_does_not_answer_keeps_nobody_waiting() -> None:
    slurm, never = Slurm(), asyncio.Event()
    slurm.jobs = {"1": job("1", "RUNNING")}

    async def silent(jobs: Iterable[Owned]) -> dict[Owned, Job]:
        await never.wait()
        return {}

    watcher = Watcher(slurm.observe, 0.01, history=silent)
    watcher.follow("1")
    watcher.follow("2")
    for _ in range(3):
        await watcher.fresh("1")
    assert not watcher.sight("1").unknown
    await watcher.close()


async def test_a_controller_that_takes_its_time_gets_longer_pauses() -> None:
    slurm = Slurm()

    async def slow(jobs: Iterable[Owned]) -> dict[Owned, Job]:
        await asyncio.sleep(0.05)
        return await slurm.observe(jobs)

    watcher = Watcher(slow, 0.01)
    watcher.follow("1")
    await asyncio.sleep(0.6)
    assert 1 <= len(slurm.asked) <= 3
    await watcher.close()


async def test_where_each_owner_is_asked_the_pace_is_slower() -> None:
    watcher = Watcher(Slurm().observe, 5, seconds_per_owner=1.0)
    for number in range(20):
        watcher.follow(str(number), f"user{number}")
    assert watcher.pace == 20
    await watcher.close()


async def test_what_is_old_is_unknown() -> None:
    slurm, now = Slurm(), 0.0
    slurm.jobs = {"1": job("1", "RUNNING")}
    watcher = Watcher(slurm.observe, 0.01, clock=lambda: now)
    watcher.follow("1")
    await watcher.fresh("1")
    assert not watcher.sight("1").unknown
    slurm.down = True
    now = 40.0
    sight = watcher.sight("1")
    assert (sight.unknown, sight.silent, sight.age) == (True, True, 40)
    await watcher.close()
