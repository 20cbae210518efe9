"""How a request reaches the agent on a login node, and how its answer comes back.

The remote command is a constant, the request goes over standard input, and the answer is found by
a nonce (see `framing`). Host keys are always checked. One connection per user is kept open while it
is used.
"""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Protocol

import asyncssh

from ..errors import Unavailable
from .certificates import Credentials
from .framing import Answer

log = logging.getLogger(__name__)

CONNECT_SECONDS = 15
ANSWER_SECONDS = 120
IDLE_SECONDS = 120
BROKEN = (asyncssh.ConnectionLost, asyncssh.ChannelOpenError, BrokenPipeError)


class Transport(Protocol):
    """Runs one agent request as one user."""

    async def call(
        self, user: str, request: dict[str, Any], data: BinaryIO | None = None, host: str = ""
    ) -> dict[str, Any]:
        """The agent's answer; what it sends beside that goes to `data`. AgentError if it refuses,
        Unavailable if nothing is known. With `host`, on that login node and no other."""
        ...


_Key = tuple[str, str]
"""A user, and the one login node that is meant, if one is."""


@dataclass
class _Connection:
    ssh: asyncssh.SSHClientConnection
    used: float = field(default_factory=time.monotonic)


class SSHTransport:
    """The agent over SSH, as the user, on the first login node that answers."""

    def __init__(
        self,
        hosts: Sequence[str],
        known_hosts: str,
        credentials: Credentials,
        agent_command: str,
    ):
        self._hosts = [_host_and_port(host) for host in hosts]
        self._known_hosts = known_hosts
        self._credentials = credentials
        self._agent_command = agent_command
        self._connections: dict[_Key, _Connection] = {}
        self._locks: dict[_Key, asyncio.Lock] = {}

    async def call(
        self, user: str, request: dict[str, Any], data: BinaryIO | None = None, host: str = ""
    ) -> dict[str, Any]:
        """See `Transport.call`. Safe to repeat, because every operation of the agent is."""
        if host and _host_and_port(host) not in self._hosts:
            raise Unavailable(f"{host} is no login node of this site, or not any more.")
        key = (user, host)
        try:
            answer = await self._exchange(key, request, data)
        except BROKEN:
            # A kept connection that died while idle: once more on a new one.
            self._drop(key)
            if data:
                data.seek(0)
                data.truncate()
            try:
                answer = await self._exchange(key, request, data)
            except BROKEN as error:
                self._drop(key)
                raise Unavailable(f"The connection to the login node broke: {error}") from error
        return answer.result()

    async def close(self) -> None:
        """Close every connection."""
        for key in list(self._connections):
            self._drop(key)

    async def _exchange(self, key: _Key, request: dict[str, Any], data: BinaryIO | None) -> Answer:
        nonce = secrets.token_hex(16)
        answer = Answer(nonce, data)
        text = json.dumps({**request, "nonce": nonce})
        try:
            connection = await self._connection(key)
            async with asyncio.timeout(ANSWER_SECONDS) as patience:
                async for line in self._lines(connection.ssh, text):
                    answer.take(line)
                    connection.used = time.monotonic()
                    patience.reschedule(asyncio.get_running_loop().time() + ANSWER_SECONDS)
        except TimeoutError as error:
            self._drop(key)
            raise Unavailable(f"The login node did not answer in {ANSWER_SECONDS} s.") from error
        connection.used = time.monotonic()
        self._close_idle()
        return answer

    async def _lines(self, ssh: asyncssh.SSHClientConnection, text: str) -> AsyncIterator[str]:
        """What the agent and the shell around it print, as it comes."""
        process = await ssh.create_process(self._agent_command, input=text, stderr=asyncssh.DEVNULL)
        try:
            async for line in process.stdout:
                yield line
        finally:
            process.close()

    async def _connection(self, key: _Key) -> _Connection:
        async with self._locks.setdefault(key, asyncio.Lock()):
            known = self._connections.get(key)
            if known and not known.ssh.is_closed():
                return known
            self._connections[key] = _Connection(await self._connect(*key))
            return self._connections[key]

    async def _connect(self, user: str, only: str) -> asyncssh.SSHClientConnection:
        credential = await self._credentials.credential(user)
        problems = []
        for host, port in [_host_and_port(only)] if only else self._hosts:
            try:
                return await asyncssh.connect(
                    host,
                    port,
                    username=user,
                    client_keys=[(credential.key, credential.certificate)]
                    if credential.certificate
                    else [credential.key],
                    known_hosts=self._known_hosts,
                    config=None,
                    agent_path=None,
                    connect_timeout=CONNECT_SECONDS,
                    login_timeout=CONNECT_SECONDS,
                    keepalive_interval=15,
                )
            except (OSError, asyncssh.Error) as error:
                problems.append(f"{host}: {error}")
        raise Unavailable("No login node could be used: " + "; ".join(problems))

    def _drop(self, key: _Key) -> None:
        connection = self._connections.pop(key, None)
        if connection:
            connection.ssh.close()

    def _close_idle(self) -> None:
        limit = time.monotonic() - IDLE_SECONDS
        for key in [k for k, c in self._connections.items() if c.used < limit]:
            self._drop(key)


def _host_and_port(text: str) -> tuple[str, int]:
    host, _, port = text.partition(":")
    return host, int(port or 22)
