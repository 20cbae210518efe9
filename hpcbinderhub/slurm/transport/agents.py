"""Sessions in which the agent runs, over one connection.

A login shell and Python take longer to start than most of what they are asked for. So wherever a
connection has nothing else to do, one session is opened ahead, whose agent waits for a request.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import asyncssh

from .pool import Connection

Process = asyncssh.SSHClientProcess[bytes]

CLOSING_SECONDS = 1


@asynccontextmanager
async def fresh(connection: Connection, command: str) -> AsyncIterator[Process]:
    """A session of this moment."""
    process = await _opened(connection, command)
    async with _closing(connection, process):
        yield process


@asynccontextmanager
async def waiting(connection: Connection) -> AsyncIterator[Process | None]:
    """The one that was opened ahead, if there is one and nobody has ended it that we know of."""
    opening, connection.ready = connection.ready, None
    process = await opening if opening else None
    if process is None:
        yield None
        return
    async with _closing(connection, process):
        yield None if process.stdout.at_eof() or process.is_closing() else process


def open_ahead(connection: Connection, command: str) -> None:
    """For the next request, which waits until it is open: there may be room for no other."""
    if connection.ready is None and connection.usable and connection.sessions == 0:
        connection.ready = asyncio.create_task(_opened_or_not(connection, command))


async def _opened_or_not(connection: Connection, command: str) -> Process | None:
    try:
        return await _opened(connection, command)
    except (asyncssh.Error, OSError):
        # Whatever it is, the next request meets it too, and says so.
        return None


async def _opened(connection: Connection, command: str) -> Process:
    process = await connection.ssh.create_process(command, stderr=asyncssh.DEVNULL, encoding=None)
    connection.opened += 1
    return process


@asynccontextmanager
async def _closing(connection: Connection, process: Process) -> AsyncIterator[None]:
    try:
        yield
    finally:
        connection.opened -= 1
        process.close()
        # sshd counts a session until it has heard that it is over.
        with suppress(TimeoutError):
            await asyncio.wait_for(process.wait_closed(), CLOSING_SECONDS)
