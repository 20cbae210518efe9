"""The queue of builds: a table, statements on it, and the bells that wake whoever waits."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from ..database import Database
from ..events import EventLog, Line
from ..images.bills.model import Bill
from ..notices import Notice, find_notice, put_notice, remove_notice
from . import claims, lookups, orders
from .bills import Recorded, find_bill
from .records import PAUSED, Build, Image, Order, QueueLimits, stream

NO_LIMITS = QueueLimits()
LOOK_AGAIN_SECONDS = 5.0


class BuildQueue:
    """What services and tests do with builds."""

    def __init__(
        self,
        database: Database,
        events: EventLog,
        lease_seconds: float,
        limits: QueueLimits = NO_LIMITS,
        clock: Callable[[], float] = time.time,
    ):
        self._database = database
        self._events = events
        self._lease = lease_seconds
        self._limits = limits
        self._clock = clock
        self._work = asyncio.Event()
        self._closing = False

    async def image(self, key: str) -> Image | None:
        """The image of a recipe, if it was built."""
        return await self._database.run(lookups.find_image, key)

    async def get(self, build: str) -> Build | None:
        """One build."""
        return await self._database.run(lookups.find_build, build)

    async def last_end(self, key: str, repo_url: str, since: float) -> Build | None:
        """The last build of a recipe from a repository that ended after some moment."""
        return await self._database.run(lookups.last_end, key, repo_url, since)

    async def maker(self, artefact: str, reader: str | None) -> Build | None:
        """The last build that made an artefact, of those for this reader; None also if that was
        before records were kept."""
        return await self._database.run(lookups.find_maker, artefact, reader)

    async def recorded(self, build: str) -> Recorded | None:
        """What a build made; None if it made nothing, or before records were kept."""
        return await self._database.run(find_bill, build)

    async def lengths(self) -> dict[str, int]:
        """How many builds wait, and how many run."""
        return await self._database.run(lookups.count_live)

    async def newest(
        self,
        *,
        seen_by: str | None,
        state: str = "",
        repo_url: str = "",
        artefact: str = "",
        before: float | None = None,
        limit: int = 50,
    ) -> list[Build]:
        """The builds that a user may know of, the newest first; None sees all."""
        return await self._database.run(
            lookups.list_builds, seen_by, state, repo_url, artefact, before, limit
        )

    async def cancel(self, build: str, by: str) -> Build | None:
        """End a live build. Its worker hears of it when it next says something, and stops."""
        cancelled = await self._database.run(orders.cancel, build, by, self._clock())
        self._events.ring(stream(build))
        return cancelled

    async def forget(self, build: str) -> bool:
        """Remove the record and the log of a build that is over; its image stays."""
        return await self._database.run(orders.forget, build)

    async def enqueue(self, order: Order) -> Build:
        """The live build of this recipe: the one that is queued or running, or a new one in its
        asker's next turn. A refusal if there are too many already."""
        build = await self._database.run(orders.find_or_add, order, self._limits, self._clock())
        self._events.ring(stream(build.id))
        self._work.set()
        return build

    async def prefer(self, build: str) -> Build | None:
        """Have a waiting build built next."""
        return await self._database.run(orders.prefer, build)

    async def place(self, build: str) -> int | None:
        """How many builds come before this one; None if it does not wait."""
        return await self._database.run(lookups.count_ahead, build)

    async def usual_seconds(self, repo_url: str) -> float | None:
        """How long the last builds of a repository took, from their start to their image."""
        return await self._database.run(lookups.usual_seconds, repo_url)

    async def claimable(self) -> int:
        """How many builds would be claimed at once if there were workers enough."""
        most = self._limits.running_per_user
        return await self._database.run(lookups.count_claimable, self._clock(), most)

    async def busy(self) -> set[str]:
        """The workers that hold a build."""
        return await self._database.run(lookups.running_workers)

    async def claim(self, worker: str, place: str = "") -> Build | None:
        """The next build for this worker, if there is one; `place` says where it will be built, to
        those who wait."""
        now = self._clock()
        most = self._limits.running_per_user
        build = await self._database.run(
            claims.claim_next, worker, now, now + self._lease, most, place
        )
        if build:
            self._events.ring(stream(build.id))
        return build

    async def reconcile(self) -> None:
        """Put right what time has changed: builds whose workers are lost go to others, or end if
        that happened too often."""
        lost = await self._database.run(claims.reconcile, self._clock())
        for build in lost:
            self._events.ring(stream(build))
        if lost:
            self._work.set()

    async def pause(self, by: str, why: str) -> None:
        """Let what runs end and nothing begin, until `go_on`, restarts included."""
        await self._database.run(put_notice, Notice(PAUSED, why, by, self._clock()))

    async def go_on(self) -> None:
        """End a pause."""
        await self._database.run(remove_notice, PAUSED)
        self._work.set()

    async def paused(self) -> Notice | None:
        """Who paused the queue, and why; None if nobody did."""
        return await self._database.run(find_notice, PAUSED)

    async def wait_and_claim(self, worker: str, seconds: float, place: str = "") -> Build | None:
        """`claim`, and if there is nothing, wait for something to claim for so long."""
        limit = asyncio.get_running_loop().time() + seconds
        while True:
            self._work.clear()
            build = await self.claim(worker, place)
            left = limit - asyncio.get_running_loop().time()
            if build or left <= 0 or self._closing:
                return build
            # A build that was put off rings no bell, so look again now and then. In Python 3.11,
            # `wait_for` forgets that it was cancelled when the bell rings at the same moment.
            with suppress(TimeoutError):
                async with asyncio.timeout(min(left, LOOK_AGAIN_SECONDS)):
                    await self._work.wait()

    def stop_waiting(self) -> None:
        """Let those who wait for work go: there will be none from us."""
        self._closing = True
        self._work.set()

    async def heartbeat(self, build: str, worker: str) -> None:
        """Renew the lease. LeaseLost if it is another's by now."""
        await self._database.run(claims.renew, build, worker, self._clock() + self._lease)

    async def report(self, build: str, worker: str, lines: Sequence[Line]) -> None:
        """Append what the worker says, if the build is still its own."""
        now = self._clock()
        await self._database.run(
            claims.renew_and_append, build, worker, now, now + self._lease, lines
        )
        self._events.ring(stream(build))

    async def finish(
        self, build: str, worker: str, artefact: str, size: int, bill: Bill | None = None
    ) -> None:
        """The build made an artefact, and this is what it is made of."""
        await self._database.run(claims.finish, build, worker, self._clock(), artefact, size, bill)
        self._events.ring(stream(build))

    async def fail(self, build: str, worker: str, failure: dict[str, Any]) -> None:
        """The build failed; or waits for another try, if what it met may pass."""
        await self._database.run(claims.fail, build, worker, self._clock(), failure)
        self._events.ring(stream(build))

    async def release(self, build: str, worker: str) -> None:
        """Back into the queue: the worker is stopping."""
        await self._database.run(claims.release, build, worker, self._clock())
        self._events.ring(stream(build))
        self._work.set()
