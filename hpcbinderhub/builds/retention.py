"""Logs of builds that are over: packed after a while, forgotten after a longer one."""

from __future__ import annotations

import time
from collections.abc import Callable

from sqlalchemy import Connection, delete, select

from ..database import Database
from ..events.records import pack_events
from ..tables import builds, events, kept_logs
from .records import stream

PACK_AFTER_SECONDS = 3600.0
"""Most who read a log do so soon after its build, and metrics look at its phases."""

AT_A_TIME = 20
"""So that whoever else needs the database waits for milliseconds."""

DAY = 86_400.0


class Retention:
    """The logs of a site's builds."""

    def __init__(self, database: Database, days: float, clock: Callable[[], float] = time.time):
        self._database = database
        self._seconds = days * DAY
        self._clock = clock
        self._packed_until = 0.0

    async def tidy(self) -> None:
        """Pack what is due, and forget what was kept long enough."""
        now = self._clock()
        due = now - PACK_AFTER_SECONDS
        while await self._database.run(_pack, now, self._packed_until, due) == AT_A_TIME:
            pass
        self._packed_until = due
        await self._database.run(_forget, now - self._seconds)


def _pack(connection: Connection, now: float, ended_since: float, ended_before: float) -> int:
    """Pack a few logs; how many."""
    unpacked = select(events.c.stream).where(events.c.stream == "build:" + builds.c.id).exists()
    found = (
        select(builds.c.id)
        .where(builds.c.finished >= ended_since, builds.c.finished < ended_before, unpacked)
        .order_by(builds.c.finished)
        .limit(AT_A_TIME)
    )
    due = connection.execute(found).scalars().all()
    for build in due:
        pack_events(connection, stream(build), now)
    return len(due)


def _forget(connection: Connection, kept_before: float) -> None:
    connection.execute(delete(kept_logs).where(kept_logs.c.kept < kept_before))
