"""How long a start may take: in the queue, and on its node, with a limit for each; and without one
while the cluster does not answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from hpcbinderhub.errors import Unavailable
from hpcbinderhub.profiles import Profile
from hpcbinderhub.slurm.jobs import Stage
from hpcbinderhub.slurm.watcher import Sight

from .saying import Sayings

Answer = TypeVar("Answer")

SLOWEST_RETRY_SECONDS = 30.0


async def patiently(attempt: Callable[[], Awaitable[Answer]], sayings: Sayings) -> Answer:
    """Try again for as long as nothing is known, and say so."""
    pause = 1.0
    while True:
        try:
            return await attempt()
        except Unavailable as error:
            sayings.words = f"The cluster does not answer; trying again. ({error})"
            await asyncio.sleep(pause)
            pause = min(pause * 2, SLOWEST_RETRY_SECONDS)


class Patience:
    """Counts a start's time. On a node, only that counts in which the job is known to run: not
    while it is suspended, and not while Slurm is silent, since no job is let in then."""

    def __init__(self, profile: Profile, clock: Callable[[], float], wall: Callable[[], float]):
        self._queue_seconds = (profile.queue_minutes or 0) * 60
        self._startup_seconds = profile.startup_seconds
        self._clock = clock
        self._wall = wall
        self._ran = 0.0
        self._looked = clock()
        self._counts = False
        self._put_back = 0.0

    def saw(self, sight: Sight) -> None:
        """How the job is now."""
        now = self._clock()
        if self._counts:
            self._ran += now - self._looked
        job = sight.job
        runs = job is not None and job.stage is Stage.RUNNING and not job.halted
        if self._ran and job and job.stage is Stage.PENDING:
            # It lost its node, and both times begin anew.
            self._ran, self._put_back = 0.0, self._wall()
        self._counts = runs and not sight.unknown
        self._looked = now

    def is_over_on_node(self) -> bool:
        """Whether it has run for too long without an answer from the server."""
        return self._ran > self._startup_seconds

    def is_over_in_queue(self, sight: Sight, since: int) -> bool:
        """Whether it has waited for too long since then."""
        job = sight.job
        waits = job is not None and job.stage is Stage.PENDING and not sight.unknown
        waited = self._wall() - max(since, self._put_back)
        return waits and 0 < self._queue_seconds < waited
