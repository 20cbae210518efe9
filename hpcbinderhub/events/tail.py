"""The end of a stream in memory: however many follow, what is new is read once."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

from .records import Event

TAIL_EVENTS = 2000


class Tail:
    """The end of a stream, in memory for as long as somebody follows it.

    However many follow, what is new is read from the database once. Whoever is further behind than
    what is kept reads for herself, and is up to date after that.
    """

    def __init__(self, read: Callable[[int], Awaitable[list[Event]]]):
        self.bells: set[asyncio.Event] = set()
        self._read = read
        self._kept: deque[Event] = deque(maxlen=TAIL_EVENTS)
        self._last = -1
        self._growing: asyncio.Task[None] | None = None
        self._more = False

    async def after(self, number: int) -> list[Event]:
        """The events after a number, as far as they are known."""
        oldest = self._kept[0].number if self._kept else self._last + 1
        if self._last >= 0 and oldest <= number + 1:
            behind = min(max(self._last - number, 0), len(self._kept))
            return [self._kept[-place] for place in range(behind, 0, -1)]
        found = await self._read(number)
        if self._last < 0:
            self._keep(found, number)
        return found

    def grow(self) -> None:
        """Read what is new, then ring. What comes meanwhile is read right after."""
        self._more = True
        if self._growing is None:
            self._growing = asyncio.create_task(self._grow())

    async def _grow(self) -> None:
        while self._more:
            self._more = False
            try:
                if self._last >= 0:
                    self._keep(await self._read(self._last), self._last)
            except Exception:
                # Those who follow read for themselves then, and meet what is wrong.
                self._kept.clear()
                self._last = -1
            for bell in self.bells:
                bell.set()
        self._growing = None

    def _keep(self, found: list[Event], after: int) -> None:
        # Two may have read at once, so what is kept already is not kept again.
        self._kept.extend(event for event in found if event.number > self._last)
        self._last = max(self._last, found[-1].number if found else after)

    def close(self) -> None:
        """Nobody follows any more."""
        if self._growing:
            self._growing.cancel()
