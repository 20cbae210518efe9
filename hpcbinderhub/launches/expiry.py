"""Launches that nobody comes back to: those that wait expire, and old records are forgotten."""

from __future__ import annotations

import time
from collections.abc import Callable

from sqlalchemy import Connection, delete, select

from ..database import Database
from ..events import EventLog
from ..events.records import forget_events
from ..tables import launches
from .records import OVER, Launch, LaunchBook, State

HOUR = 3600.0
DAY = 24 * HOUR


class Expiry:
    """The end of a site's launch records."""

    def __init__(
        self,
        database: Database,
        book: LaunchBook,
        events: EventLog,
        *,
        parked_hours: float,
        record_days: float,
        clock: Callable[[], float] = time.time,
    ):
        self._database = database
        self._book = book
        self._events = events
        self._parked_hours = parked_hours
        self._record_seconds = record_days * DAY
        self._clock = clock

    async def tidy(self) -> None:
        """End what has waited too long for its owner, and forget what is long over."""
        now = self._clock()
        for launch in await self._book.parked_before(now - self._parked_hours * HOUR):
            await self._expire(launch)
        await self._database.run(_forget, now - self._record_seconds)

    async def _expire(self, launch: Launch) -> None:
        failure = {
            "message": f"This launch waited {self._parked_hours:g} hours for you, and has expired.",
            "advice": "Launch again: the environment is most likely still there.",
            "detail": "",
        }
        if await self._book.change(launch.id, State.PARKED, state=State.FAILED, failure=failure):
            await self._events.append(
                launch.stream, "failed", failure["message"], advice=failure["advice"]
            )


def _forget(connection: Connection, before: float) -> None:
    old = select(launches.c.id).where(launches.c.state.in_(OVER), launches.c.changed < before)
    for launch in connection.execute(old).scalars().all():
        forget_events(connection, f"launch:{launch}")
        connection.execute(delete(launches).where(launches.c.id == launch))
