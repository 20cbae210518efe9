"""Whether the owner of a launch is looking.

A link never spends an allocation by itself, and neither does a closed tab: when an image is ready
and its owner is away, nothing is submitted.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Presence:
    """Counts the open pages of each launch, and remembers when the last one closed."""

    def __init__(self, away_seconds: float, clock: Callable[[], float] = time.monotonic):
        self._away_seconds = away_seconds
        self._clock = clock
        self._watching: Counter[str] = Counter()
        self._seen: dict[str, float] = {}

    def saw(self, launch: str) -> None:
        """The owner did something just now."""
        self._seen[launch] = self._clock()

    @contextmanager
    def watching(self, launch: str) -> Iterator[None]:
        """The owner's page is open for as long as this is."""
        self._watching[launch] += 1
        try:
            yield
        finally:
            self._watching[launch] -= 1
            self.saw(launch)

    async def here(self, launch: str) -> bool:
        """Whether the owner looks, or comes back within the time that a reload may take."""
        while not self._watching[launch]:
            left = self._seen.setdefault(launch, self._clock()) + self._away_seconds - self._clock()
            if left <= 0:
                return False
            await asyncio.sleep(min(left, 0.2))
        return True

    def forget(self, launch: str) -> None:
        """The launch is over."""
        self._seen.pop(launch, None)
        self._watching.pop(launch, None)
