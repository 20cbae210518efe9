"""Writes events to a client as they come, with signs of life in between."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from hpcbinderhub.events import EventLog

from .base import EventStreamHandler, as_sent

KEEP_ALIVE_SECONDS = 25.0


async def stream_events(
    handler: EventStreamHandler, events: EventLog, stream: str, ends: frozenset[str]
) -> None:
    """All events of a stream after the client's last one, until its end or the client's."""

    async def texts() -> AsyncGenerator[str]:
        async with aclosing(events.follow(stream, ends, handler.last_seen())) as source:
            async for event in source:
                yield as_sent(event.number, event.as_dict())

    with handler.services.followers.following(str(handler.current_user["name"])):
        handler.begin_stream()
        if await pump(handler, texts()) and not handler._headers_written:
            handler.was_over()


async def pump(handler: EventStreamHandler, texts: AsyncGenerator[str]) -> bool:
    """Send what comes until nothing more does; False if the client left before, or we do."""
    services = handler.services
    with services.metrics.watchers.track_inprogress(), services.farewell.telling(handler.left):
        async with aclosing(texts):
            following: asyncio.Future[str] | None = None
            leaving = asyncio.ensure_future(handler.left.wait())
            try:
                while True:
                    following = following or asyncio.ensure_future(anext(texts))
                    either: list[asyncio.Future[Any]] = [following, leaving]
                    done, _ = await asyncio.wait(
                        either,
                        timeout=KEEP_ALIVE_SECONDS,
                        return_when=asyncio.FIRST_COMPLETED,
                    )
                    if leaving in done:
                        return False
                    if not done:
                        if not await handler.send(":keep-alive\n\n"):
                            return False
                        continue
                    text, following = following.result(), None
                    if not await handler.send(text):
                        return False
            except StopAsyncIteration:
                return True
            finally:
                tasks: list[asyncio.Future[Any]] = [leaving, *([following] if following else [])]
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
