"""Connections of users, kept while they are used.

sshd limits how many sessions one connection may have (`MaxSessions`). A session that it refuses
tells how many those are; then another connection of the same user is made, up to a limit, and then
one waits. A timer closes what nobody uses.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

import asyncssh

from ...errors import Unavailable
from .base import Patience

SESSIONS = 8
CONNECTIONS_PER_USER = 3


class Who(NamedTuple):
    """A user, and the one login node that is meant, if one is."""

    user: str
    host: str = ""


Connect = Callable[[Who], Awaitable[asyncssh.SSHClientConnection]]
"""Makes a connection as a user."""


@dataclass
class Connection:
    """One connection, and what is done over it now."""

    ssh: asyncssh.SSHClientConnection
    limit: int = SESSIONS
    sessions: int = 0
    """Those that have a place, whether sshd has opened them yet or not."""
    opened: int = 0
    streams: int = 0
    ready: asyncio.Task[asyncssh.SSHClientProcess[bytes] | None] | None = None
    """One that waits for a request, with the login shell and the agent's start behind it."""
    made: float = field(default_factory=time.monotonic)
    usable: bool = True
    timer: asyncio.TimerHandle | None = None


@dataclass
class _Shelf:
    """One user's connections."""

    kept: list[Connection] = field(default_factory=list)
    opening: asyncio.Lock = field(default_factory=asyncio.Lock)
    freed: asyncio.Event = field(default_factory=asyncio.Event)


class Pool:
    """Connections by user and, where one is meant, by login node."""

    def __init__(self, connect: Connect, patience: Patience):
        self._connect = connect
        self._patience = patience
        self._shelves: dict[Who, _Shelf] = {}

    @asynccontextmanager
    async def session(self, who: Who) -> AsyncIterator[Connection]:
        """A connection that has room for one more session, as long as that lasts."""
        connection = await self._take(who)
        connection.sessions += 1
        try:
            yield connection
        finally:
            connection.sessions -= 1
            self._put_back(who, connection)

    async def begin_stream(self, who: Who) -> Connection:
        """A connection for a stream, which counts as no session, until `end_stream`."""
        connection = await self._take(who, room=False)
        connection.streams += 1
        return connection

    def end_stream(self, who: Who, connection: Connection) -> None:
        """The stream is over."""
        connection.streams -= 1
        self._put_back(who, connection)

    def was_refused(self, connection: Connection) -> None:
        """sshd opened no session: there are as many as it allows. If there is no other at all,
        something else is wrong, and a new connection may do better."""
        connection.limit = max(1, connection.opened)
        connection.usable = connection.usable and connection.sessions > 1

    def close(self) -> None:
        """Close every connection."""
        for shelf in self._shelves.values():
            for connection in list(shelf.kept):
                self._close(shelf, connection)

    async def _take(self, who: Who, *, room: bool = True) -> Connection:
        shelf = self._shelves.setdefault(who, _Shelf())
        while True:
            async with shelf.opening:
                found = self._free(shelf, room)
                if found is None and len(shelf.kept) < CONNECTIONS_PER_USER:
                    found = Connection(await self._connect(who))
                    shelf.kept.append(found)
            if found:
                if found.timer:
                    found.timer.cancel()
                return found
            shelf.freed.clear()
            await self._wait_for_room(who, shelf)

    async def _wait_for_room(self, who: Who, shelf: _Shelf) -> None:
        try:
            async with asyncio.timeout(self._patience.answer):
                await shelf.freed.wait()
        except TimeoutError as error:
            raise Unavailable(
                f"All that {who.user} may do at once on the login node is under way already."
            ) from error

    def _free(self, shelf: _Shelf, room: bool) -> Connection | None:
        for connection in list(shelf.kept):
            if connection.ssh.is_closed():
                self._close(shelf, connection)
            elif self._takes_work(connection) and (
                not room or connection.sessions < connection.limit
            ):
                return connection
        return None

    def _takes_work(self, connection: Connection) -> bool:
        return connection.usable and time.monotonic() - connection.made < self._patience.life

    def _put_back(self, who: Who, connection: Connection) -> None:
        shelf = self._shelves[who]
        if connection.sessions + connection.streams == 0:
            if self._takes_work(connection) and not connection.ssh.is_closed():
                connection.timer = asyncio.get_running_loop().call_later(
                    self._patience.idle, self._close, shelf, connection
                )
            else:
                self._close(shelf, connection)
        shelf.freed.set()

    def _close(self, shelf: _Shelf, connection: Connection) -> None:
        if connection.timer:
            connection.timer.cancel()
        if connection in shelf.kept:
            shelf.kept.remove(connection)
        connection.ssh.close()
        shelf.freed.set()
