"""Two connections, made one."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import NamedTuple, Protocol

CHUNK = 2**18
# How long the last bytes may take to leave once a connection is over.
FLUSH_SECONDS = 10


class Reader(Protocol):
    """The reading end of a connection, over a socket or over SSH."""

    async def read(self, n: int = -1) -> bytes:
        """What has arrived; nothing at the end."""
        ...


class Writer(Protocol):
    """The writing end."""

    def write(self, data: bytes) -> None:
        """Take these bytes."""
        ...

    async def drain(self) -> None:
        """Wait while the other side is slow to take them."""
        ...

    def close(self) -> None:
        """Close the connection once they are sent."""
        ...

    async def wait_closed(self) -> None:
        """Until then."""
        ...


class Streams(NamedTuple):
    """Both ends of one connection."""

    reader: Reader
    writer: Writer

    async def close(self) -> None:
        """Send what is left, within reason, and hang up."""
        self.writer.close()
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(FLUSH_SECONDS):
                await self.writer.wait_closed()

    def abort(self) -> None:
        """Hang up."""
        transport = getattr(self.writer, "transport", None)
        # A TLS connection that has been lost cannot be aborted before Python 3.12.
        with suppress(AttributeError):
            (transport.abort if transport else self.writer.close)()


async def carry(one: Streams, other: Streams) -> None:
    """Bytes in both directions, until either side ends; what it sent before that arrives.

    An end in one direction is taken as the end of both. TLS in asyncio knows no half-closed
    connection, and neither does Tornado: a client that has finished sending is gone for it.
    """
    copies = [
        asyncio.create_task(_copy(one.reader, other.writer)),
        asyncio.create_task(_copy(other.reader, one.writer)),
    ]
    try:
        await asyncio.wait(copies, return_when=asyncio.FIRST_COMPLETED)
        await _end(copies)
        await asyncio.gather(one.close(), other.close())
    finally:
        await _end(copies)
        one.abort()
        other.abort()


async def _copy(reader: Reader, writer: Writer) -> None:
    with suppress(OSError):
        while data := await reader.read(CHUNK):
            writer.write(data)
            await writer.drain()


async def _end(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
