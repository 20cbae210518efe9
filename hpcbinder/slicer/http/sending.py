"""Hands an answer of the reading process to a browser, as fast as that takes it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

from tornado.iostream import StreamClosedError
from tornado.web import RequestHandler

from ..process.asked import Asked, Reply

PIECE = 256 << 10
"""No more lies in the server's memory twice, and others are served between two of them."""


class Stalled(Exception):
    """The browser takes nothing any more."""


async def send(handler: RequestHandler, asked: Asked, seconds: float) -> None:
    """The answer with all its parts but for the last piece, which `finish` sends.

    `Stalled` if for so long nothing of it is taken.
    """
    reply = await asked.reply()
    handler.set_status(reply.status)
    handler.set_header("Content-Type", reply.type)
    for name, value in reply.headers.items():
        handler.set_header(name, value)
    if not reply.more and reply.status != 304:
        handler.set_header("Content-Length", str(len(reply.body)))
    while True:
        await _pieces(handler, reply, seconds)
        if not reply.more:
            return
        reply = await asked.another()
        if reply.status != 200:
            # Headers and a part have gone: only a connection that breaks says that it is not whole.
            raise Stalled(bytes(reply.body).decode(errors="replace"))


async def _pieces(handler: RequestHandler, reply: Reply, seconds: float) -> None:
    body = memoryview(reply.body)
    for at in range(0, len(body), PIECE):
        handler.write(bytes(body[at : at + PIECE]))
        if reply.more or at + PIECE < len(body):
            await taken(handler.flush(), seconds)


async def taken(flushed: Awaitable[None], seconds: float) -> None:
    """Until the kernel has it, or the browser has taken nothing for too long."""
    future = asyncio.ensure_future(flushed)
    await asyncio.wait([future], timeout=seconds)
    if not future.done():
        raise Stalled(f"Nothing was taken for {seconds:g} seconds.")
    if future.exception() is not None:
        # A new one: the future's own would know it, and what was to be sent, in a circle that stays
        # until Python looks for such.
        raise StreamClosedError
