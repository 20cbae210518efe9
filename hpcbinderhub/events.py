"""Numbered events: what builds and launches tell, kept and followed.

A follower that comes back says the last number it saw, misses none and sees none twice.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, insert, select

from .database import Database
from .tables import events

LAUNCH_ENDS = frozenset({"ready", "failed"})
BUILD_ENDS = frozenset({"built", "failed"})


@dataclass(frozen=True)
class Event:
    """Something that happened to a build or a launch."""

    number: int
    at: float
    phase: str
    message: str
    data: dict[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """As the page and the API get it."""
        return {
            "number": self.number,
            "at": self.at,
            "phase": self.phase,
            "message": self.message,
            **self.data,
        }


Line = tuple[str, str, dict[str, Any]]
"""A phase, a message and data: an event that has no number yet."""


class EventLog:
    """The events of all builds and launches."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time):
        self._database = database
        self._clock = clock
        self._bells: dict[str, set[asyncio.Event]] = {}

    async def append(self, stream: str, phase: str, message: str, **data: Any) -> None:
        """Add one event."""
        await self.extend(stream, [(phase, message, data)])

    async def extend(self, stream: str, lines: Sequence[Line]) -> None:
        """Add events in order, all or none."""
        if lines:
            await self._database.run(append_events, stream, self._clock(), lines)
            self.ring(stream)

    async def since(self, stream: str, number: int) -> list[Event]:
        """The events after `number`."""
        return await self._database.run(read_events, stream, number)

    def ring(self, stream: str) -> None:
        """Wake the followers of a stream."""
        for bell in self._bells.get(stream, ()):
            bell.set()

    @contextmanager
    def bell(self, *streams: str) -> Iterator[asyncio.Event]:
        """Something that is set whenever one of these streams has something new."""
        bell = asyncio.Event()
        for stream in streams:
            self._bells.setdefault(stream, set()).add(bell)
        try:
            yield bell
        finally:
            for stream in streams:
                self._bells[stream].discard(bell)
                if not self._bells[stream]:
                    del self._bells[stream]

    async def follow(
        self, stream: str, ends: frozenset[str], number: int = 0
    ) -> AsyncGenerator[Event]:
        """All events after `number`, those to come included, until one whose phase is an end."""
        with self.bell(stream) as bell:
            while True:
                bell.clear()
                for event in await self.since(stream, number):
                    number = event.number
                    yield event
                    if event.phase in ends:
                        return
                await bell.wait()


def append_events(connection: Connection, stream: str, at: float, lines: Sequence[Line]) -> None:
    """Number and store events."""
    last = connection.execute(
        select(func.max(events.c.number)).where(events.c.stream == stream)
    ).scalar()
    rows = [
        {
            "stream": stream,
            "number": number,
            "at": at,
            "phase": phase,
            "message": message,
            "data": json.dumps(data) if data else None,
        }
        for number, (phase, message, data) in enumerate(lines, start=(last or 0) + 1)
    ]
    connection.execute(insert(events), rows)


def read_events(connection: Connection, stream: str, after: int) -> list[Event]:
    """Events after a number, in order."""
    rows = connection.execute(
        select(events)
        .where(events.c.stream == stream, events.c.number > after)
        .order_by(events.c.number)
    )
    return [
        Event(row.number, row.at, row.phase, row.message, json.loads(row.data or "{}"))
        for row in rows
    ]
