"""Events as values and as rows."""

from __future__ import annotations

import json
import zlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, insert, select

from ..tables import events, kept_logs


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

    @cached_property
    def sent(self) -> str:
        """As a server-sent event: made once, however many are told."""
        return as_sent(self.number, self.as_dict())


def as_sent(number: object, data: dict[str, Any]) -> str:
    """One server-sent event. Without a number, a client that comes back goes on before it."""
    name = f"id: {number}\n" if number else ""
    return f"{name}data: {json.dumps(data)}\n\n"


Line = tuple[str, str, dict[str, Any]]
"""A phase, a message and data: an event that has no number yet."""


# Composed once: that takes longer than carrying them out.
_LAST = select(func.max(events.c.number)).where(events.c.stream == bindparam("of"))
_ADD = insert(events)
_SINCE = (
    select(events)
    .where(events.c.stream == bindparam("of"), events.c.number > bindparam("after"))
    .order_by(events.c.number)
)


def append_events(connection: Connection, stream: str, at: float, lines: Sequence[Line]) -> None:
    """Number and store events."""
    last = connection.execute(_LAST, {"of": stream}).scalar()
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
    connection.execute(_ADD, rows)


def read_events(connection: Connection, stream: str, after: int) -> list[Event]:
    """Events after a number, in order, packed away or not."""
    rows = connection.execute(_SINCE, {"of": stream, "after": after})
    found = [
        Event(row.number, row.at, row.phase, row.message, json.loads(row.data or "{}"))
        for row in rows
    ]
    return found or [event for event in _unpack(connection, stream) if event.number > after]


def last_event(connection: Connection, stream: str) -> Event | None:
    """The event that a stream has come to, packed away or not."""
    last = connection.execute(_LAST, {"of": stream}).scalar()
    found = read_events(connection, stream, last - 1 if last else 0)
    return found[-1] if found else None


def end_of(connection: Connection, stream: str, ends: Collection[str]) -> int:
    """The number of the first event whose phase is an end, packed away or not; 0 if none is."""
    first = select(func.min(events.c.number)).where(
        events.c.stream == stream, events.c.phase.in_(ends)
    )
    found = connection.execute(first).scalar()
    packed = () if found else _unpack(connection, stream)
    return found or next((event.number for event in packed if event.phase in ends), 0)


def pack_events(connection: Connection, stream: str, now: float) -> None:
    """Keep a stream that has ended as one compressed value instead of a row for each line."""
    found = read_events(connection, stream, 0)
    text = json.dumps([[e.number, e.at, e.phase, e.message, e.data] for e in found])
    packed = zlib.compress(text.encode())
    connection.execute(insert(kept_logs).values(stream=stream, kept=now, events=packed))
    connection.execute(delete(events).where(events.c.stream == stream))


def forget_events(connection: Connection, stream: str) -> None:
    """Remove a stream, packed or not."""
    for table in (events, kept_logs):
        connection.execute(delete(table).where(table.c.stream == stream))


def _unpack(connection: Connection, stream: str) -> list[Event]:
    kept = select(kept_logs.c.events).where(kept_logs.c.stream == stream)
    packed = connection.execute(kept).scalar()
    return [Event(*parts) for parts in json.loads(zlib.decompress(packed))] if packed else []
