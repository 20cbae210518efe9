"""What is free: asked for once for all, and said in words."""

from __future__ import annotations

import asyncio

import pytest

from hpcbinderhub.errors import TooManyRequests, Unavailable
from hpcbinderhub.slurm.availability import Availability, FreeGPUs, Partition
from hpcbinderhub.slurm.pace import Pace


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds


def partition(**more: object) -> Partition:
    known = {"name": "gpu", "state": "up", "nodes": 20, "idle": 12, "down": 0, "held": 0}
    return Partition(**known | {"cpus": 512, "cpus_free": 96, "gpus": ()} | more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({}, "12 nodes idle, 96 of 512 cores free."),
        (
            {"gpus": (FreeGPUs("a100", 8, 3), FreeGPUs("", 2, 0))},
            "12 nodes idle, 96 of 512 cores free, 3 of 8 a100 free, 0 of 2 GPUs free.",
        ),
        (
            {"idle": 1, "down": 2, "held": 1},
            "1 node idle, 96 of 512 cores free, 2 nodes down or drained, 1 node reserved.",
        ),
        ({"down": 20}, "All its nodes are down or drained."),
        ({"nodes": 1, "down": 1}, "Its only node is down or drained."),
        (
            {"state": "drain"},
            "This partition starts no jobs at the moment (Slurm says: drain).",
        ),
    ],
)
def test_a_partition_in_words(facts: dict[str, object], words: str) -> None:
    assert partition(**facts).in_words() == words


async def test_slurm_is_asked_once_in_half_a_minute_however_many_look() -> None:
    clock, asked = Clock(), 0

    async def ask() -> list[Partition]:
        nonlocal asked
        asked += 1
        await asyncio.sleep(0)
        return [partition(idle=asked)]

    availability = Availability(ask, clock)
    seen = await asyncio.gather(*(availability.now() for _ in range(20)))
    assert asked == 1
    assert {one.partitions["gpu"].idle for one in seen} == {1}
    clock.now += 29
    assert (await availability.now()).age == 29
    clock.now += 1
    assert (await availability.now()).partitions["gpu"].idle == 2


async def test_no_answer_is_no_answer_and_a_controller_in_trouble_is_left_alone() -> None:
    clock, asked, trouble = Clock(), 0, False

    async def ask() -> list[Partition]:
        nonlocal asked
        asked += 1
        if trouble:
            raise Unavailable("No login node could be used.")
        return [partition()]

    availability = Availability(ask, clock)
    await availability.now()
    trouble = True
    clock.now += 30
    for _ in range(3):
        with pytest.raises(Unavailable):
            await availability.now()
    assert asked == 2
    trouble = False
    clock.now += 30
    assert (await availability.now()).age == 0


async def test_a_site_takes_one_turn_a_second_and_turns_away_who_would_wait_long() -> None:
    clock = Clock()
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    pace = Pace(1.0, 2.0, clock, sleep)
    for _ in range(3):
        await pace.turn()
    assert waits == [1.0, 2.0]
    with pytest.raises(TooManyRequests) as refused:
        await pace.turn()
    assert (refused.value.retry_after, refused.value.advice) == (1, "Ask again in a few seconds.")
    clock.now += 1
    await pace.turn()
    assert waits == [1.0, 2.0, 2.0]
