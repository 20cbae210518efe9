"""Writes events to a client as they come, with signs of life in between."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, contextmanager
from typing import Literal

from hpcbinderhub.events import EventLog

from .base import EventStreamHandler

KEEP_ALIVE_SECONDS = 10.0


async def stream_events(
    handler: EventStreamHandler, events: EventLog, stream: str, ends: frozenset[str]
) -> None:
    """All events of a stream after the client's last one, until its end or the client's."""

    async def texts() -> AsyncGenerator[str]:
        async with aclosing(events.follow(stream, ends, handler.last_seen())) as source:
            async for event in source:
                yield event.sent

    with handler.services.followers.following(str(handler.current_user["name"])):
        handler.begin_stream()
        if await pump(handler, texts()) and not handler._headers_written:
            handler.was_over()


async def pump(handler: EventStreamHandler, texts: AsyncGenerator[str]) -> bool:
    """Send what comes until nothing more does; False if the client left before, or we do."""
    services = handler.services
    with (
        services.metrics.watchers.track_inprogress(),
        services.farewell.telling(handler.left),
        _signs_of_life(handler),
        _cancelled_by(handler.left),
    ):
        async with aclosing(texts):
            try:
                async for text in texts:
                    if not await handler.send(text):
                        return False
            except asyncio.CancelledError:
                if not handler.left.is_set():
                    raise
                return False
    return True


@contextmanager
def _cancelled_by(event: asyncio.Event) -> Iterator[None]:
    """Cancel whoever waits in here when the event happens: cheaper than to wait for both each time
    that one of a thousand watchers is told a line."""
    task = asyncio.current_task()
    assert task is not None
    waiting = asyncio.ensure_future(event.wait())

    def happened(waited: asyncio.Future[Literal[True]]) -> None:
        if not waited.cancelled():
            task.cancel()

    waiting.add_done_callback(happened)
    try:
        yield
    finally:
        waiting.remove_done_callback(happened)
        waiting.cancel()
        if event.is_set():
            task.uncancel()


@contextmanager
def _signs_of_life(handler: EventStreamHandler) -> Iterator[None]:
    """A comment whenever nothing was sent for a while, so that no proxy ends the connection."""
    loop = asyncio.get_running_loop()
    timer: asyncio.TimerHandle

    def look() -> None:
        nonlocal timer
        due = handler.sent_at + KEEP_ALIVE_SECONDS
        if loop.time() >= due:
            handler.send_soon(":keep-alive\n\n")
            due = loop.time() + KEEP_ALIVE_SECONDS
        timer = loop.call_at(due, look)

    timer = loop.call_later(KEEP_ALIVE_SECONDS, look)
    try:
        yield
    finally:
        timer.cancel()
