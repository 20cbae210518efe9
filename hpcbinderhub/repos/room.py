"""How much room the cache of repositories takes: the least recently used go, when all together are
too many."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from .command import ONLY_COPY
from .git import GitCache

LATELY = 24 * 3600.0
"""What was used since then stays: a build that waits for its turn still needs its repository."""


@dataclass(frozen=True)
class Cached:
    """A repository of the cache."""

    path: Path
    size: int
    used: float
    only_copy: bool


def superfluous(cached: Sequence[Cached], limit: int, used_before: float) -> Iterator[Cached]:
    """Those to remove, so that all together have `limit` bytes, or as near to it as may be."""
    total = sum(one.size for one in cached)
    for one in sorted(cached, key=lambda one: one.used):
        if total <= limit or one.used >= used_before:
            return
        if not one.only_copy:
            total -= one.size
            yield one


def look(directory: Path) -> list[Cached]:
    """What is in the cache."""
    return [
        Cached(path, _size(path), path.stat().st_mtime, (path / ONLY_COPY).exists())
        for path in directory.glob("*.git")
    ]


def _size(folder: Path) -> int:
    # What is fetched meanwhile may move its files about.
    walked = os.walk(folder, onerror=lambda _: None)
    files = (os.path.join(parent, name) for parent, _, names in walked for name in names)
    return sum(os.lstat(file).st_size for file in files if os.path.lexists(file))


class CacheRoom:
    """Keeps the cache of repositories below a limit, in bytes; 0 is none."""

    def __init__(self, cache: GitCache, limit: int, clock: Callable[[], float] = time.time):
        self._cache = cache
        self._limit = limit
        self._clock = clock

    async def tidy(self) -> None:
        """Remove what is too much."""
        if self._limit:
            lately = self._clock() - LATELY
            cached = await asyncio.to_thread(look, self._cache.directory)
            for one in superfluous(cached, self._limit, lately):
                # Looking at all of them takes time, in which somebody may have come for this one.
                await self._cache.remove(one.path, unused_since=lately)
