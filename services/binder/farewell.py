"""How requests that are under way end when the service does."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


class Farewell:
    """Counts the requests that are under way, and tells the endless ones that it is over."""

    def __init__(self) -> None:
        self._under_way = 0
        self._quiet = asyncio.Event()
        self._quiet.set()
        self._endless: set[asyncio.Event] = set()

    def arrived(self) -> None:
        """A request has come."""
        self._under_way += 1
        self._quiet.clear()

    def departed(self) -> None:
        """It is answered."""
        self._under_way -= 1
        if not self._under_way:
            self._quiet.set()

    @contextmanager
    def telling(self, end: asyncio.Event) -> Iterator[None]:
        """Something that would go on for ever, unless this is set."""
        self._endless.add(end)
        try:
            yield
        finally:
            self._endless.discard(end)

    async def say(self, grace_seconds: float) -> None:
        """End what is endless, and give the rest a moment."""
        for end in self._endless:
            end.set()
        try:
            async with asyncio.timeout(grace_seconds):
                await self._quiet.wait()
        except TimeoutError:
            return
