"""How often a site asks Slurm what costs its scheduler work, whoever wants to know."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable

from ..errors import TooManyRequests


class Pace:
    """One turn in so many seconds. Who comes between waits; who would wait too long is told when
    to ask again."""

    def __init__(
        self,
        seconds: float,
        patience: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ):
        self._seconds = seconds
        self._patience = patience
        self._clock = clock
        self._sleep = sleep
        self._next = -math.inf

    async def turn(self) -> None:
        """Return when it is the caller's turn. TooManyRequests if that would take too long."""
        now = self._clock()
        wait = max(0.0, self._next - now)
        if wait > self._patience:
            raise TooManyRequests(
                "Many people are asking when their jobs would start.",
                "Ask again in a few seconds.",
                retry_after=math.ceil(wait - self._patience),
            )
        self._next = now + wait + self._seconds
        if wait:
            await self._sleep(wait)
