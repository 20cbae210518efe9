"""One watcher per cluster: one query for all our jobs, read by every spawner.

Losing contact is not losing the job: what is not known stays unknown, with the age of what was
known last, and absence from the queue alone never ends a job. Accounting is asked only about jobs
that the queue does not name, and on its own: where it is slow or away, the queue's word does not
wait for it.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass

from ..errors import Unavailable, UserError
from .jobs import Job, Owned

log = logging.getLogger(__name__)

Observe = Callable[[Collection[Owned]], Awaitable[dict[Owned, Job]]]
News = Callable[[], None]
"""Called when a job is another than it was."""

SLOWEST_SECONDS = 60.0
SLOWEST_HISTORY_SECONDS = 300.0
LEAST_SECONDS = 1.0
"""However many want to know at once."""

SHARE = 4.0
"""The pause is at least so many times as long as Slurm took to answer."""

UNKNOWN_SECONDS = 20.0
"""What is older is said to be unknown."""


@dataclass(frozen=True)
class Sight:
    """What is known of a job, and for how long nothing newer has been."""

    job: Job | None
    age: float
    silent: bool
    """Whether Slurm gave no answer at all, as against one that does not name the job."""

    limit: float

    @property
    def unknown(self) -> bool:
        """Whether it is too long ago, or has been asked for too long, to be called known."""
        return self.age > self.limit


@dataclass
class _Interest:
    times: int
    since: float
    news: News | None = None


class Watcher:
    """Keeps the last known state of every job that somebody waits for."""

    def __init__(
        self,
        observe: Observe,
        interval: float,
        clock: Callable[[], float] = time.monotonic,
        *,
        history: Observe | None = None,
        seconds_per_owner: float = 0.0,
    ):
        self._observe = observe
        self._interval = interval
        self._clock = clock
        self._history = history
        self._seconds_per_owner = seconds_per_owner
        self._interests: dict[Owned, _Interest] = {}
        self._jobs: dict[Owned, Job] = {}
        self._seen: dict[Owned, float] = {}
        self._answered = float("-inf")
        self._began = 0.0
        self._changed = asyncio.Condition()
        self._wanted = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._looking_back: asyncio.Task[None] | None = None
        self._look_back_at = float("-inf")
        self._look_back_pause = interval

    def follow(self, job: str, owner: str = "", news: News | None = None) -> None:
        """Keep an eye on this job of hers until `forget` is called as often. Of several who follow
        it, the last one with `news` is told."""
        interest = self._interests.setdefault(Owned(job, owner), _Interest(0, self._clock()))
        interest.times += 1
        interest.news = news or interest.news
        self._wanted.set()
        if self._task is None or self._task.done():
            self._began = self._clock()
            self._task = asyncio.create_task(self._run(), name="slurm-watcher")

    def forget(self, job: str, owner: str = "") -> None:
        """The opposite of `follow`."""
        one = Owned(job, owner)
        interest = self._interests.get(one)
        if interest:
            interest.times -= 1
        if interest is None or interest.times <= 0:
            self._interests.pop(one, None)
            self._jobs.pop(one, None)
            self._seen.pop(one, None)

    def job(self, job: str, owner: str = "") -> Job | None:
        """The job as last seen; None while nothing is known of it."""
        return self._jobs.get(Owned(job, owner))

    def sight(self, job: str, owner: str = "") -> Sight:
        """The job as last seen, and how old that is."""
        interest = self._interests.get(Owned(job, owner))
        since = self._seen.get(Owned(job, owner), interest.since if interest else self._clock())
        return Sight(self.job(job, owner), self._clock() - since, self.silent, self._limit)

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

    @property
    def silent(self) -> bool:
        """Whether that is too long to be called known."""
        return self.silence > self._limit

    @property
    def _limit(self) -> float:
        return max(UNKNOWN_SECONDS, 3 * self.pace)

    @property
    def pace(self) -> float:
        """Seconds between two looks while Slurm answers quickly."""
        owners = {one.owner for one in self._interests}
        return max(self._interval, self._seconds_per_owner * len(owners))

    async def wait(self, timeout: float | None = None) -> None:
        """Return after the next answer, or after `timeout` seconds without one."""
        timeout = 2 * self._interval if timeout is None else timeout
        try:
            async with asyncio.timeout(timeout), self._changed:
                await self._changed.wait()
        except TimeoutError:
            pass

    async def fresh(self, job: str, owner: str = "", *, timeout: float = 15) -> Job | None:
        """The job as Slurm describes it from now on, not as it was last seen."""
        asked = self._clock()
        limit = asked + timeout
        while self._answered < asked and self._clock() < limit:
            self._wanted.set()
            await self.wait(limit - self._clock())
        return self.job(job, owner)

    async def close(self) -> None:
        """Stop asking."""
        tasks = [task for task in (self._task, self._looking_back) if task]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # -- asking --------------------------------------------------------------------------------

    async def _run(self) -> None:
        pause = self._interval
        while self._interests:
            self._wanted.clear()
            asked = self._clock()
            wanted = set(self._interests)
            try:
                seen = await self._observe(wanted)
            except (Unavailable, UserError) as error:
                pause = min(pause * 2, SLOWEST_SECONDS)
                log.warning("Slurm could not be asked (%s); again in %.0f s", error, pause)
            else:
                # A controller that is slow to answer has other things to do.
                slow = min(SHARE * (self._clock() - asked), SLOWEST_SECONDS)
                pause = max(self.pace, slow)
                self._answered = asked
                await self._take(seen, asked)
                self._look_back(wanted - seen.keys())
            await self._rest(pause)

    async def learn(self, job: Job, owner: str = "") -> None:
        """What Slurm just told somebody about one job. After a silence, our own last look at it is
        old, and one that is under way may still be of before."""
        await self._take({Owned(job.id, owner): job}, self._clock())

    async def _take(self, seen: Mapping[Owned, Job], asked: float) -> None:
        # Jobs that the answer does not name keep their last state: absence is no end.
        news = {
            one: job
            for one, job in seen.items()
            if one in self._interests and asked >= self._seen.get(one, asked)
        }
        changed = [one for one, job in news.items() if self._jobs.get(one) != job]
        self._jobs.update(news)
        self._seen.update(dict.fromkeys(news, asked))
        async with self._changed:
            self._changed.notify_all()
        for interest in [self._interests.get(one) for one in changed]:
            if interest and interest.news:
                interest.news()

    def _look_back(self, missing: Collection[Owned]) -> None:
        """Ask accounting about jobs that the queue does not name, unless it is being asked."""
        if not missing:
            self._look_back_pause = self._interval
            return
        busy = self._looking_back is not None and not self._looking_back.done()
        if self._history and not busy and self._clock() >= self._look_back_at:
            self._looking_back = asyncio.create_task(self._recall(self._history, missing))

    async def _recall(self, history: Observe, missing: Collection[Owned]) -> None:
        asked = self._clock()
        try:
            seen = await history(missing)
        except (Unavailable, UserError) as error:
            log.warning("Slurm's accounting could not be asked (%s)", error)
            seen = {}
        pause = self._look_back_pause = min(self._look_back_pause * 2, SLOWEST_HISTORY_SECONDS)
        self._look_back_at = self._clock() + (self._interval if seen else pause)
        if seen:
            await self._take(seen, asked)

    async def _rest(self, pause: float) -> None:
        least = min(LEAST_SECONDS, self._interval, pause)
        await asyncio.sleep(least)
        try:
            async with asyncio.timeout(pause - least):
                await self._wanted.wait()
        except TimeoutError:
            pass
