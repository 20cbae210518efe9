"""One watcher per cluster: one query for all our jobs, read by every spawner.

Losing contact is not losing the job: what is not known stays unknown, with the age of what was
known last, and absence from the queue alone never ends a job.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable

from ..errors import Unavailable, UserError
from .jobs import Job

log = logging.getLogger(__name__)

Observe = Callable[[Iterable[str]], Awaitable[dict[str, Job]]]
SLOWEST_SECONDS = 60.0


class Watcher:
    """Keeps the last known state of every job that somebody waits for."""

    def __init__(
        self, observe: Observe, interval: float, clock: Callable[[], float] = time.monotonic
    ):
        self._observe = observe
        self._interval = interval
        self._clock = clock
        self._interests: dict[str, int] = {}
        self._jobs: dict[str, Job] = {}
        self._answered = 0.0
        self._began = 0.0
        self._changed = asyncio.Condition()
        self._wanted = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def follow(self, job: str) -> None:
        """Keep an eye on this job until `forget` is called as often."""
        self._interests[job] = self._interests.get(job, 0) + 1
        self._wanted.set()
        if self._task is None or self._task.done():
            self._began = self._clock()
            self._task = asyncio.create_task(self._run(), name="slurm-watcher")

    def forget(self, job: str) -> None:
        """The opposite of `follow`."""
        left = self._interests.pop(job, 0) - 1
        if left > 0:
            self._interests[job] = left
        else:
            self._jobs.pop(job, None)

    def job(self, job: str) -> Job | None:
        """The job as last seen; None while nothing is known of it."""
        return self._jobs.get(job)

    @property
    def age(self) -> float:
        """Seconds since Slurm last answered."""
        return self._clock() - self._answered

    @property
    def watched(self) -> int:
        """How many jobs somebody waits for."""
        return len(self._interests)

    @property
    def silence(self) -> float:
        """Seconds that Slurm has been asked without an answer; 0 while there is nothing to ask."""
        return self._clock() - max(self._answered, self._began) if self._interests else 0.0

    async def wait(self, timeout: float | None = None) -> None:
        """Return after the next answer, or after `timeout` seconds without one."""
        timeout = 2 * self._interval if timeout is None else timeout
        try:
            async with asyncio.timeout(timeout), self._changed:
                await self._changed.wait()
        except TimeoutError:
            pass

    async def fresh(self, job: str, timeout: float = 15) -> Job | None:
        """The job as Slurm describes it from now on, not as it was last seen."""
        asked = self._clock()
        limit = asked + timeout
        while self._answered < asked and self._clock() < limit:
            self._wanted.set()
            await self.wait(limit - self._clock())
        return self.job(job)

    async def close(self) -> None:
        """Stop asking."""
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        pause = self._interval
        while self._interests:
            self._wanted.clear()
            asked = self._clock()
            try:
                seen = await self._observe(set(self._interests))
            except (Unavailable, UserError) as error:
                pause = min(pause * 2, SLOWEST_SECONDS)
                log.warning("Slurm could not be asked (%s); again in %.0f s", error, pause)
            else:
                pause = self._interval
                # Jobs that the answer does not name keep their last state: absence is no end.
                self._jobs.update((k, v) for k, v in seen.items() if k in self._interests)
                self._answered = asked
                async with self._changed:
                    self._changed.notify_all()
            await self._rest(pause)

    async def _rest(self, pause: float) -> None:
        try:
            async with asyncio.timeout(pause):
                await self._wanted.wait()
        except TimeoutError:
            pass
