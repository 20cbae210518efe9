"""What servers leave in their users' homes, removed beside all else: nobody waits for it, and what
does not work is tried again with a later server."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from pathlib import PurePath
from typing import Any

from ..errors import Unavailable, UserError
from .cluster import Cluster

DAY_SECONDS = 24 * 3600.0

log = logging.getLogger(__name__)


class Leftovers:
    """The keys of servers that have ended, and folders of launches that are long over."""

    def __init__(self, cluster: Cluster, days: int, clock: Callable[[], float] = time.monotonic):
        self._cluster = cluster
        self._days = days
        self._clock = clock
        self._swept: dict[str, float] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def ended(self, user: str, directory: str) -> None:
        """The server of this launch's directory has ended."""
        self._begin(self._cluster.clear_keys(user, directory))

    def began(self, user: str, directory: str) -> None:
        """A launch was submitted from this directory: once a day, those beside it are looked at."""
        now = self._clock()
        if self._days and now - self._swept.get(user, -DAY_SECONDS) >= DAY_SECONDS:
            self._swept[user] = now
            root = str(PurePath(directory).parent)
            self._begin(self._cluster.sweep_launches(user, root, self._days))

    async def settled(self) -> None:
        """When nothing is being removed."""
        await asyncio.gather(*self._tasks)

    def _begin(self, removal: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(_logged(removal))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _logged(removal: Coroutine[Any, Any, None]) -> None:
    try:
        await removal
    except (Unavailable, UserError) as error:
        log.warning("What a server left behind could not be removed: %s", error)
