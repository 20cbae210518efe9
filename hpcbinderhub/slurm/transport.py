"""How a request reaches the agent on a login node, and how its answer comes back.

The remote command is a constant, the request goes over standard input, and the answer is found by
a nonce. Host keys are always checked. One connection per user is kept open while it is used.
"""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import asyncssh

from ..errors import Unavailable
from .certificates import CertificateCommand

log = logging.getLogger(__name__)

CONNECT_SECONDS = 15
ANSWER_SECONDS = 120
IDLE_SECONDS = 120


class AgentError(Exception):
    """The agent answered, and the answer is no: `kind` for programs, the message for people."""

    def __init__(self, kind: str, message: str):
        super().__init__(message)
        self.kind = kind


class Transport(Protocol):
    """Runs one agent request as one user."""

    async def call(self, user: str, request: dict[str, Any]) -> dict[str, Any]:
        """The agent's answer. AgentError if it refuses, Unavailable if nothing is known."""
        ...


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
        certificates: CertificateCommand,
        agent_command: str,
    ):
        self._hosts = [_host_and_port(host) for host in hosts]
        self._known_hosts = known_hosts
        self._certificates = certificates
        self._agent_command = agent_command
        self._connections: dict[str, _Connection] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    async def call(self, user: str, request: dict[str, Any]) -> dict[str, Any]:
        """See `Transport.call`. Safe to repeat, because every operation of the agent is."""
        nonce = secrets.token_hex(16)
        text = json.dumps({**request, "nonce": nonce})
        try:
            output = await self._exchange(user, text)
        except (asyncssh.ConnectionLost, asyncssh.ChannelOpenError, BrokenPipeError):
            # A kept connection that died while idle: once more on a new one.
            self._drop(user)
            output = await self._exchange(user, text)
        return read_answer(output, nonce)

    async def close(self) -> None:
        """Close every connection."""
        for user in list(self._connections):
            self._drop(user)

    async def _exchange(self, user: str, text: str) -> str:
        try:
            connection = await self._connection(user)
            async with asyncio.timeout(ANSWER_SECONDS):
                done = await connection.ssh.run(self._agent_command, input=text, check=False)
        except TimeoutError as error:
            self._drop(user)
            raise Unavailable(f"The login node did not answer in {ANSWER_SECONDS} s.") from error
        connection.used = time.monotonic()
        self._close_idle()
        return str(done.stdout or "")

    async def _connection(self, user: str) -> _Connection:
        async with self._locks.setdefault(user, asyncio.Lock()):
            known = self._connections.get(user)
            if known and not known.ssh.is_closed():
                return known
            self._connections[user] = _Connection(await self._connect(user))
            return self._connections[user]

    async def _connect(self, user: str) -> asyncssh.SSHClientConnection:
        credential = await self._certificates.credential(user)
        problems = []
        for host, port in self._hosts:
            try:
                return await asyncssh.connect(
                    host,
                    port,
                    username=user,
                    client_keys=[(credential.key, credential.certificate)],
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

    def _drop(self, user: str) -> None:
        connection = self._connections.pop(user, None)
        if connection:
            connection.ssh.close()

    def _close_idle(self) -> None:
        limit = time.monotonic() - IDLE_SECONDS
        for user in [u for u, c in self._connections.items() if c.used < limit]:
            self._drop(user)


def read_answer(output: str, nonce: str) -> dict[str, Any]:
    """The agent's answer among whatever else the login shell printed."""
    for line in reversed(output.splitlines()):
        if line.startswith(nonce + " "):
            answer = json.loads(line[len(nonce) + 1 :])
            if "error" in answer:
                raise AgentError(answer["error"]["kind"], answer["error"]["message"])
            return dict(answer["ok"])
    raise Unavailable(f"The agent gave no answer; the login shell said: {output[-300:]!r}")


def _host_and_port(text: str) -> tuple[str, int]:
    host, _, port = text.partition(":")
    return host, int(port or 22)
