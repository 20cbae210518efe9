"""Writes an event log to a client, with signs of life in between."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

from hpcbinderhub.events import Event, EventLog

from .base import KEEP_ALIVE_SECONDS, EventStreamHandler


async def stream_events(
    handler: EventStreamHandler, events: EventLog, stream: str, ends: frozenset[str]
) -> None:
    """All events of a stream after the client's last one, until its end or the client's."""
    handler.begin_stream()
    async with aclosing(events.follow(stream, ends, handler.last_seen())) as source:
        following: asyncio.Future[Event] | None = None
        try:
            while True:
                following = following or asyncio.ensure_future(anext(source))
                done, _ = await asyncio.wait([following], timeout=KEEP_ALIVE_SECONDS)
                if not done:
                    if not await handler.send(None):
                        return
                    continue
                event, following = following.result(), None
                if not await handler.send(event):
                    return
        except StopAsyncIteration:
            return
        finally:
            if following:
                following.cancel()
                await asyncio.gather(following, return_exceptions=True)
