"""Recipes that were taken for a few files, and were not: they are tried once with the whole tree.

What a build that failed has left in the queue's table is all that is remembered of it: whoever next
launches the same recipe from the same repository gets the whole tree at once, unless that did not
mend it, and until that build is forgotten, a later one went well, or some time has passed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from ..errors import UserError
from .contexts import Context, Contexts
from .queue import BuildQueue
from .records import INSTEAD, OUTDATED, Build, Order, Priority, Reader

REMEMBERED_SECONDS = 30 * 24 * 3600.0
"""What a recipe asks for without a version may be in order again by then."""

NOT_THE_FILES = frozenset(
    {
        *("network", "conda-unreachable", "no-space", "out-of-memory", "timeout"),
        *("cancelled", "worker-lost", OUTDATED),
    }
)
"""Causes of failures that more files would not mend."""


class SecondTry:
    """Knows which of the ways to make an environment is to be taken."""

    def __init__(
        self, queue: BuildQueue, contexts: Contexts, clock: Callable[[], float] = time.time
    ):
        self._queue = queue
        self._contexts = contexts
        self._clock = clock

    async def key(self, context: Context, repo_url: str) -> str:
        """The key to build a commit under."""
        if context.reduced is None:
            return context.whole
        since = self._clock() - REMEMBERED_SECONDS
        last = await self._queue.last_end(context.reduced, repo_url, since)
        if last is None or last.failure is None or not may_be_mended(last.failure):
            return context.reduced
        second = await self._queue.get(last.failure.get(INSTEAD, ""))
        # If the whole tree did not mend it, it was not for want of files.
        return context.reduced if second and second.state == "failed" else context.whole

    async def fail(self, build: Build, worker: str, failure: dict[str, Any]) -> None:
        """A build failed. If more files may help, the failure names the build that has them."""
        if may_be_mended(failure):
            failure = failure | await self._instead(build)
        await self._queue.fail(build.id, worker, failure)

    async def _instead(self, build: Build) -> dict[str, str]:
        try:
            context = await self._contexts.of_build(build)
            if build.key != context.reduced:
                return {}
            second = await self._queue.enqueue(_again(build, context.whole))
        except UserError:
            # There may be too many builds. Whoever launches it again will have the whole tree.
            return {}
        return {INSTEAD: second.id, "advice": "It is tried once with the whole repository."}


def may_be_mended(failure: Mapping[str, Any]) -> bool:
    """Whether a build with more files, or other versions, might have ended otherwise."""
    return failure.get("cause") not in NOT_THE_FILES


def _again(build: Build, key: str) -> Order:
    reader = None
    if build.reader is not None and build.reader_uid is not None:
        reader = Reader(build.reader, build.reader_uid)
    priority = Priority(build.priority)
    return Order(key, build.repo_url, build.ref, build.commit, build.asker, priority, reader)
