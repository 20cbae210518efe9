"""The queue of builds: a table, statements on it, and the bells that wake whoever waits."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any

from ..database import Database
from ..events import EventLog, Line
from . import claims, lookups, orders
from .records import Build, Image, stream


class BuildQueue:
    """What services and tests do with builds."""

    def __init__(
        self,
        database: Database,
        events: EventLog,
        lease_seconds: float,
        clock: Callable[[], float] = time.time,
    ):
        self._database = database
        self._events = events
        self._lease = lease_seconds
        self._clock = clock
        self._work = asyncio.Event()

    async def image(self, key: str) -> Image | None:
        """The image of a recipe, if it was built."""
        return await self._database.run(lookups.find_image, key)

    async def get(self, build: str) -> Build | None:
        """One build."""
        return await self._database.run(lookups.find_build, build)

    async def lengths(self) -> dict[str, int]:
        """How many builds wait, and how many run."""
        return await self._database.run(lookups.count_live)

    async def newest(
        self, *, state: str = "", repo_url: str = "", before: float | None = None, limit: int = 50
    ) -> list[Build]:
        """Builds, the newest first."""
        return await self._database.run(lookups.list_builds, state, repo_url, before, limit)

    async def cancel(self, build: str, by: str) -> Build | None:
        """End a live build. Its worker hears of it when it next says something, and stops."""
        cancelled = await self._database.run(orders.cancel, build, by, self._clock())
        self._events.ring(stream(build))
        return cancelled

    async def forget(self, build: str) -> bool:
        """Remove the record and the log of a build that is over; its image stays."""
        return await self._database.run(orders.forget, build)

    async def enqueue(self, key: str, repo_url: str, ref: str, commit: str) -> Build:
        """The live build of this recipe: the one that is queued or running, or a new one."""
        build = await self._database.run(
            orders.find_or_add, key, repo_url, ref, commit, self._clock()
        )
        self._events.ring(stream(build.id))
        self._work.set()
        return build

    async def claim(self, worker: str) -> Build | None:
        """The next build for this worker, if there is one."""
        now = self._clock()
        for lost in await self._database.run(claims.give_up, now):
            self._events.ring(stream(lost))
        build = await self._database.run(claims.claim_next, worker, now, now + self._lease)
        if build:
            self._events.ring(stream(build.id))
        return build

    async def wait_and_claim(self, worker: str, seconds: float) -> Build | None:
        """`claim`, and if there is nothing, wait for something to claim for so long."""
        limit = asyncio.get_running_loop().time() + seconds
        while True:
            self._work.clear()
            build = await self.claim(worker)
            left = limit - asyncio.get_running_loop().time()
            if build or left <= 0:
                return build
            try:
                # Leases that run out ring no bell, so look again now and then.
                await asyncio.wait_for(self._work.wait(), min(left, self._lease / 3))
            except TimeoutError:
                continue

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

    async def finish(self, build: str, worker: str, artefact: str, size: int) -> None:
        """The build made an artefact."""
        await self._database.run(claims.finish, build, worker, self._clock(), artefact, size)
        self._events.ring(stream(build))

    async def fail(self, build: str, worker: str, failure: dict[str, Any]) -> None:
        """The build failed, for a reason that another try would meet again."""
        await self._database.run(claims.fail, build, worker, self._clock(), failure)
        self._events.ring(stream(build))

    async def release(self, build: str, worker: str) -> None:
        """Back into the queue: the worker is stopping."""
        await self._database.run(claims.release, build, worker, self._clock())
        self._events.ring(stream(build))
        self._work.set()
