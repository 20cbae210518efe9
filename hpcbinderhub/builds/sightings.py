"""When each worker was heard of last, and what it is short of."""

from __future__ import annotations

import time
from collections.abc import Callable


class Sightings:
    """In memory: a worker that lives says so again within seconds of a restart."""

    def __init__(self, clock: Callable[[], float] = time.monotonic):
        self._clock = clock
        self._seen: dict[str, float] = {}
        self._short: dict[str, str] = {}

    def saw(self, worker: str) -> None:
        """The worker asked for something just now."""
        self._seen[worker] = self._clock()

    def is_short(self, worker: str, sentence: str) -> None:
        """The worker says what it lacks to take a build; nothing if it lacks nothing."""
        self._short[worker] = sentence

    def short(self, worker: str) -> str:
        """What the worker lacks, in its own words."""
        return self._short.get(worker, "")

    def within(self, seconds: float) -> list[str]:
        """The workers that were heard of within so many seconds."""
        now = self._clock()
        return sorted(name for name, at in self._seen.items() if now - at <= seconds)
