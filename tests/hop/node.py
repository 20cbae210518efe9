"""What listens on a compute node: the launch's server, or somebody else."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

Reader, Writer = asyncio.StreamReader, asyncio.StreamWriter
Conversation = Callable[[Reader, Writer], Awaitable[None]]


def server_context(part: dict[str, str], folder: Path) -> ssl.SSLContext:
    """What the server in the image makes of its part of the keys."""
    for name, text in part.items():
        (folder / name).write_text(text)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "certificate", folder / "key")
    context.load_verify_locations(folder / "client")
    context.verify_mode = ssl.CERT_REQUIRED
    return context


async def echo(reader: Reader, writer: Writer) -> None:
    """Send back what comes, until it ends."""
    while data := await reader.read(2**18):
        writer.write(data)
        await writer.drain()


class Listener:
    """What has a port; when it first had somebody to talk to, and when that ended."""

    def __init__(self) -> None:
        self.port = 0
        self.begun = asyncio.Event()
        self.ended = asyncio.Event()


@asynccontextmanager
async def listening(
    talk: Conversation, context: ssl.SSLContext | None, port: int = 0
) -> AsyncIterator[Listener]:
    """A program that talks so to whoever connects, gone with all its connections at the end."""
    made = Listener()
    tasks = set()

    async def serve(reader: Reader, writer: Writer) -> None:
        task = asyncio.current_task()
        tasks.add(task)
        made.begun.set()
        try:
            with suppress(OSError):
                await talk(reader, writer)
        finally:
            made.ended.set()
            tasks.discard(task)
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", port, ssl=context, limit=2**18)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
