"""The agent over SSH, as the user, on a login node.

What is asked for again after a connection broke: anything that was not sent yet, since the agent
does nothing before it has read the whole request; and what it says may be repeated.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import asyncssh

from ...errors import Unavailable
from ..agent.main import REPEATABLE
from ..certificates import Credentials
from ..framing import Answer, Sink
from . import agents
from .base import Errands, Patience
from .hosts import Denied, LoginHosts
from .pool import Connection, Pool, Who

TRIES = 3
PIECE = 1 << 16
SETTLED_SECONDS = 5
"""How old a credential must be for a refusal to be put down to its age."""


class _Broke(Exception):
    """A connection broke; what was asked for may have been sent."""


class _NoRoom(Exception):
    """A connection has all the sessions that it may have."""


class _Exchange:
    """One request, and what of its answer is there."""

    def __init__(self, request: dict[str, Any], data: Sink | None):
        nonce = secrets.token_hex(16)
        self.text = json.dumps({**request, "nonce": nonce}).encode()
        self.answer = Answer(nonce, data)
        self.answered = asyncio.Event()
        self.sent = False


class SSHTransport:
    """The agent over SSH, as the user, on the first login node that can be used."""

    def __init__(
        self,
        hosts: Sequence[str],
        known_hosts: str,
        credentials: Credentials,
        agent_command: str,
        patience: Patience | None = None,
    ):
        self._patience = patience or Patience()
        self._hosts = LoginHosts(hosts, known_hosts, self._patience)
        self._credentials = credentials
        self._agent_command = agent_command
        self._pool = Pool(self._connect, self._patience)
        self._errands = Errands()

    async def call(
        self, user: str, request: dict[str, Any], data: Sink | None = None, host: str = ""
    ) -> dict[str, Any]:
        """See `Transport.call`."""
        tries = 0
        while True:
            exchange = _Exchange(request, data)
            try:
                work = self._exchange(Who(user, host), exchange)
                await self._errands.until(exchange.answered, work)
                return exchange.answer.result()
            except _NoRoom:
                # It has its place as soon as another session ends, or on another connection.
                continue
            except _Broke as error:
                tries += 1
                repeatable = not exchange.sent or request.get("op") in REPEATABLE
                if tries == TRIES or not repeatable:
                    raise Unavailable(f"The connection to the login node broke: {error}") from error
            if data:
                data.seek(0)
                data.truncate()

    async def open_stream(
        self, user: str, host: str, port: int
    ) -> tuple[asyncssh.SSHReader[bytes], asyncssh.SSHWriter[bytes]]:
        """A connection from the login node to an address, over the user's own connection.

        OSError if it allows that not, or nobody listens there; Unavailable if there is none.
        """
        who = Who(user)
        connection = await self._pool.begin_stream(who)
        try:
            reader, writer = await connection.ssh.open_connection(host, port, encoding=None)
        except BaseException as error:
            self._pool.end_stream(who, connection)
            if isinstance(error, asyncssh.ChannelOpenError):
                if error.code == asyncssh.constants.OPEN_ADMINISTRATIVELY_PROHIBITED:
                    raise PermissionError("The login node forwards no connections.") from error
                raise ConnectionRefusedError(f"{host}:{port}: {error}") from error
            if isinstance(error, asyncssh.Error):
                raise Unavailable(f"The connection to the login node broke: {error}") from error
            raise
        over = asyncio.ensure_future(writer.channel.wait_closed())
        over.add_done_callback(lambda _: self._pool.end_stream(who, connection))
        return reader, writer

    async def close(self) -> None:
        """Close every connection."""
        self._pool.close()

    async def _exchange(self, who: Who, exchange: _Exchange) -> None:
        async with self._pool.session(who) as connection:
            try:
                async with (
                    asyncio.timeout(self._patience.longest),
                    asyncio.timeout(self._patience.until_first(len(exchange.text))) as patience,
                ):
                    await self._talk(connection, exchange, patience)
            except TimeoutError as error:
                connection.usable = False
                raise self._silence(who, exchange) from error
            except (asyncssh.Error, OSError) as error:
                connection.usable = False
                raise _Broke(str(error) or type(error).__name__) from error
            if not exchange.answer.complete and connection.ssh.is_closed():
                raise _Broke("it was closed")
        agents.open_ahead(connection, self._agent_command)

    def _silence(self, who: Who, exchange: _Exchange) -> Unavailable:
        if exchange.answer.begun:
            return Unavailable(
                "The login node began to answer, and did not end. It is overloaded, or waits for "
                "storage or Slurm."
            )
        return Unavailable(
            f"{who.user}'s login shell did not come up on the login node in "
            f"{self._patience.first:g} s. Look at its start files there (.bashrc, .profile, "
            ".tcshrc): one of them does not end, or waits for somebody to type. If they are fine, "
            "the login node is overloaded."
        )

    async def _talk(
        self, connection: Connection, exchange: _Exchange, patience: asyncio.Timeout
    ) -> None:
        """Send the request and read until it is answered."""
        async with agents.waiting(connection) as process:
            if process:
                await self._ask(process, exchange, patience)
        if exchange.answer.begun or connection.ssh.is_closed():
            return
        # An agent does nothing before it has said that it has read the request.
        exchange.sent = False
        try:
            async with agents.fresh(connection, self._agent_command) as process:
                await self._ask(process, exchange, patience)
        except asyncssh.ChannelOpenError as error:
            self._pool.was_refused(connection)
            if connection.usable:
                raise _NoRoom from error
            raise _Broke(f"it opened no session: {error}") from error

    async def _ask(
        self, process: agents.Process, exchange: _Exchange, patience: asyncio.Timeout
    ) -> None:
        """Only what the agent itself says counts as a sign of life: start files may print without
        end."""
        # Not sent, if the shell ended before; what it has said is still worth reading.
        with suppress(BrokenPipeError):
            exchange.sent = True
            process.stdin.write(exchange.text)
            process.stdin.write_eof()
        while not exchange.answer.complete:
            piece = await process.stdout.read(PIECE)
            if not piece:
                return
            if exchange.answer.feed(piece):
                patience.reschedule(asyncio.get_running_loop().time() + self._patience.answer)
        exchange.answered.set()

    async def _connect(self, who: Who) -> asyncssh.SSHClientConnection:
        credential = await self._credentials.credential(who.user)
        try:
            return await self._hosts.connect(who.user, credential, who.host)
        except Denied:
            if time.monotonic() - credential.made < SETTLED_SECONDS:
                raise
            # By the login node's clock, it may be over already.
            credential = await self._credentials.credential(who.user, renewed=True)
            return await self._hosts.connect(who.user, credential, who.host)
