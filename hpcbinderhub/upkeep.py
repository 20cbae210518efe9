"""What has to be done again and again, whoever asks for it or not.

Each task puts one thing right that time has changed. One that fails is logged, and done again when
it is due; the others go on.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from .errors import Unavailable, UserError

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Task:
    """Something to do every so many seconds."""

    name: str
    run: Callable[[], Awaitable[object]]
    every_seconds: float


class Upkeep:
    """Does its tasks, from `start` to `close`."""

    def __init__(self, tasks: Sequence[Task]):
        self._tasks = tasks
        self._running: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Do each when it is due: for the first time when its pause has passed."""
        self._running = [asyncio.create_task(_again_and_again(task)) for task in self._tasks]

    async def close(self) -> None:
        """Stop."""
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)


async def _again_and_again(task: Task) -> None:
    while True:
        await asyncio.sleep(task.every_seconds)
        try:
            await task.run()
        except (Unavailable, UserError, OSError) as error:
            log.warning("Upkeep of %s has to wait: %s", task.name, error)
        except Exception:
            log.exception("Upkeep of %s has a defect", task.name)
