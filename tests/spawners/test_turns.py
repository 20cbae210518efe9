"""Places for what users' own shells answer."""

from __future__ import annotations

import asyncio
import time
from itertools import pairwise

from hpcbinderhub.spawners.turns import Pace, Turns

from hpcbinderhub.errors import Unavailable

from .rig import SECONDS


async def test_a_user_whose_shell_hangs_holds_one_place_of_the_sites() -> None:
    turns, hangs = Turns(2), asyncio.Event()

    async def submit(user: str) -> None:
        async with turns.turn(user):
            if user == "zoe":
                await hangs.wait()

    zoes = [asyncio.create_task(submit("zoe")) for _ in range(8)]
    await asyncio.sleep(0)
    await asyncio.wait_for(asyncio.gather(*(submit(f"user{n}") for n in range(5))), SECONDS)
    hangs.set()
    await asyncio.wait_for(asyncio.gather(*zoes), SECONDS)


async def test_a_loop_of_calls_is_answered_at_a_pace() -> None:
    pace, times = Pace(0.05, waiting=3), []

    async def call() -> None:
        async with pace.turn():
            times.append(time.monotonic())

    told = await asyncio.gather(*(call() for _ in range(10)), return_exceptions=True)
    assert [isinstance(answer, Unavailable) for answer in told] == [False] * 3 + [True] * 7
    await call()
    assert all(later - earlier >= 0.05 for earlier, later in pairwise(times))
    assert len(times) == 4
