"""All streams of events: written, read and followed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from ..database import Database
from .records import Event, Line, append_events, end_of, last_event, read_events
from .tail import Tail


class EventLog:
    """The events of all builds and launches."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time):
        self._database = database
        self._clock = clock
        self._tails: dict[str, Tail] = {}

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

    async def last(self, stream: str) -> Event | None:
        """The event that a stream has come to."""
        return await self._database.run(last_event, stream)

    async def news(self, stream: str, number: int) -> list[Event]:
        """`since` for those who hold a bell of the stream: read once for all of them."""
        return await self._tails[stream].after(number)

    def ring(self, stream: str) -> None:
        """Wake the followers of a stream."""
        if tail := self._tails.get(stream):
            tail.grow()

    @contextmanager
    def bell(self, *streams: str) -> Iterator[asyncio.Event]:
        """Something that is set whenever one of these streams has something new."""
        bell = asyncio.Event()
        for stream in streams:
            if stream not in self._tails:
                self._tails[stream] = Tail(partial(self.since, stream))
            self._tails[stream].bells.add(bell)
        try:
            yield bell
        finally:
            for stream in streams:
                self._tails[stream].bells.discard(bell)
                if not self._tails[stream].bells:
                    self._tails.pop(stream).close()

    async def follow(
        self, stream: str, ends: frozenset[str], number: int = 0
    ) -> AsyncGenerator[Event]:
        """All events after `number`, those to come included, until one whose phase is an end.

        Whoever has read the end already gets what came after it, and a number that is still to come
        counts as the last one: else both would wait for ever.
        """
        with self.bell(stream) as bell:
            last = await self.last(stream) if number else None
            number = min(number, last.number if last else 0)
            if number and 0 < await self._database.run(end_of, stream, ends) <= number:
                for event in await self.since(stream, number):
                    yield event
                return
            while True:
                bell.clear()
                for event in await self.news(stream, number):
                    number = event.number
                    yield event
                    if event.phase in ends:
                        return
                await bell.wait()
