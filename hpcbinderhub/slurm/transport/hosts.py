"""The login nodes: which is tried first, and how gently.

A host that could not be used is tried last for a while. A handshake costs a login node more than
anything that follows, and sshd drops some when many come at once (`MaxStartups`): so few are under
way at any time, and what was dropped comes again after a pause that is never the same.
"""

from __future__ import annotations

import asyncio
import logging
import random
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import asyncssh

from ...errors import Unavailable
from ..certificates import Credential
from .base import Patience

log = logging.getLogger(__name__)

HANDSHAKES = 4
TRIES = 5
PAUSE_SECONDS = 0.2
DROPPED = (asyncssh.ConnectionLost, ConnectionResetError, BrokenPipeError)


class Denied(Unavailable):
    """A login node could be reached and did not let the user in."""


class HostKeyChanged(Exception):
    """Whoever answers is not the host that the site knows."""


@dataclass
class _Host:
    name: str
    port: int
    troubled_until: float = 0.0
    handshakes: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(HANDSHAKES))


class LoginHosts:
    """All login nodes of a site, which are alike."""

    def __init__(self, hosts: Sequence[str], known_hosts: str, patience: Patience):
        self._hosts = [_host_from(text) for text in hosts]
        self._known_hosts = known_hosts
        self._patience = patience

    async def connect(
        self, user: str, credential: Credential, only: str = ""
    ) -> asyncssh.SSHClientConnection:
        """A connection to the first that can be used, or to one alone. Unavailable if none can be
        used, and Denied if that may be because of the credential."""
        problems: list[str] = []
        denied = False
        now = time.monotonic()
        # One that was in trouble is still better than none.
        for host in sorted(self._meant(only), key=lambda one: one.troubled_until > now):
            try:
                return await self._connect_gently(host, user, credential)
            except asyncssh.PermissionDenied:
                denied = True
                problems.append(f"{host.name} did not let {user} in")
            except (OSError, asyncssh.Error, HostKeyChanged) as error:
                host.troubled_until = time.monotonic() + self._patience.trouble
                problems.append(_in_words(host, error))
        log.warning("No login node could be used for %s: %s", user, "; ".join(problems))
        sentence = f"No login node could be used: {'; '.join(problems)}."
        if denied:
            raise Denied(
                f"{sentence} Either there is no such account, or it may not log in, or the "
                "certificate was not accepted: then the site's authority is not known there, or "
                "the clocks differ by minutes."
            )
        raise Unavailable(sentence)

    def _meant(self, only: str) -> list[_Host]:
        if not only:
            return self._hosts
        meant = _host_from(only)
        found = [one for one in self._hosts if (one.name, one.port) == (meant.name, meant.port)]
        if not found:
            raise Unavailable(f"{only} is no login node of this site, or not any more.")
        return found

    async def _connect_gently(
        self, host: _Host, user: str, credential: Credential
    ) -> asyncssh.SSHClientConnection:
        for number in range(TRIES):
            try:
                async with host.handshakes:
                    return await self._connect(host, user, credential)
            except DROPPED:
                if number == TRIES - 1:
                    raise
            await asyncio.sleep(PAUSE_SECONDS * 2**number * random.uniform(0.5, 1.5))
        raise AssertionError("the last try returns or raises")

    async def _connect(
        self, host: _Host, user: str, credential: Credential
    ) -> asyncssh.SSHClientConnection:
        key, certificate = credential.key, credential.certificate
        sock = await self._reach(host)
        try:
            return await asyncssh.connect(
                host.name,
                host.port,
                sock=sock,
                username=user,
                client_keys=[(key, certificate)] if certificate else [key],
                preferred_auth="publickey",
                known_hosts=self._known_hosts,
                config=None,
                agent_path=None,
                connect_timeout=self._patience.login,
                keepalive_interval=self._patience.alive,
            )
        except asyncssh.HostKeyNotVerifiable as error:
            raise HostKeyChanged from error
        except asyncssh.KeyExchangeFailed as error:
            # A host that has no key of the kind that is known of it.
            if "host key" in str(error):
                raise HostKeyChanged from error
            raise
        except BaseException:
            sock.close()
            raise

    async def _reach(self, host: _Host) -> socket.socket:
        """A connection to one of the host's addresses, before anything is said."""
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(self._patience.reach):
            found = await loop.getaddrinfo(host.name, host.port, type=socket.SOCK_STREAM)
            problem: OSError = OSError("it has no address")
            for family, kind, protocol, _, address in found:
                sock = socket.socket(family, kind, protocol)
                sock.setblocking(False)
                try:
                    await loop.sock_connect(sock, address)
                except OSError as error:
                    sock.close()
                    problem = error
                except BaseException:
                    sock.close()
                    raise
                else:
                    return sock
            raise problem


def _in_words(host: _Host, error: Exception) -> str:
    if isinstance(error, HostKeyChanged):
        # Not once more: whoever it is, nothing was said to it.
        return f"the host key of {host.name} is not the one that the site knows"
    if isinstance(error, TimeoutError):
        return f"{host.name} does not answer"
    return f"{host.name}: {error}"


def _host_from(text: str) -> _Host:
    parts = urlsplit(f"//{text}")
    if not parts.hostname:
        raise ValueError(f"{text!r} is no host")
    return _Host(parts.hostname, parts.port or 22)
