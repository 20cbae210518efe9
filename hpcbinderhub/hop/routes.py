"""How a connection gets from the hub's host to a compute node.

Whichever way it goes, TLS is between the hub and the server: what lies between carries bytes.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from typing import NamedTuple, Protocol, runtime_checkable

from ..errors import Unavailable, UserError
from ..site import Site
from .streams import CHUNK, Reader, Streams, Writer, carry

CONNECT_SECONDS = 15
GOODBYE_SECONDS = 5
# A node that went away without a word is noticed after about two minutes.
KEEPALIVE = (
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 60),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 15),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 4),
)


class NoServer(Exception):
    """Nothing answers there that is the server; the words say what was met."""


class Target(NamedTuple):
    """Whose server, and where it listens."""

    user: str
    node: str
    port: int


class Route(Protocol):
    """A way to compute nodes."""

    async def connect(self, target: Target, context: ssl.SSLContext) -> Streams:
        """A connection whose other end has proved to be the server; `NoServer` without one."""
        ...


@runtime_checkable
class Tunnels(Protocol):
    """Opens connections from a login node, as a user."""

    async def open_stream(self, user: str, host: str, port: int) -> tuple[Reader, Writer]:
        """A connection from the login node to `host:port`. OSError if there is none to be had,
        Unavailable if the login node cannot be asked."""
        ...


class Direct:
    """The hub's host reaches the compute nodes."""

    async def connect(self, target: Target, context: ssl.SSLContext) -> Streams:
        """See `Route.connect`."""
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                made = await asyncio.open_connection(
                    target.node,
                    target.port,
                    ssl=context,
                    server_hostname="",
                    ssl_shutdown_timeout=GOODBYE_SECONDS,
                    limit=CHUNK,
                )
        except (OSError, TimeoutError) as error:
            raise NoServer(_words(error)) from error
        for option in KEEPALIVE:
            made[1].get_extra_info("socket").setsockopt(*option)
        return Streams(*made)


class ThroughLogin:
    """The hub's host reaches the login nodes alone, and goes on from there as the user."""

    def __init__(self, tunnels: Tunnels):
        self._tunnels = tunnels
        self._carrying: set[asyncio.Task[None]] = set()

    async def connect(self, target: Target, context: ssl.SSLContext) -> Streams:
        """See `Route.connect`."""
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                far = Streams(*await self._tunnels.open_stream(*target))
                return await self._secured(far, context)
        except (OSError, TimeoutError, Unavailable) as error:
            raise NoServer(_words(error)) from error

    async def _secured(self, far: Streams, context: ssl.SSLContext) -> Streams:
        """TLS through `far`. asyncio speaks it over sockets alone, so a pair lies between."""
        near, ours = socket.socketpair()
        carrying = asyncio.create_task(
            carry(Streams(*await asyncio.open_connection(sock=near, limit=CHUNK)), far)
        )
        self._carrying.add(carrying)
        carrying.add_done_callback(self._carrying.discard)
        try:
            return Streams(
                *await asyncio.open_connection(
                    sock=ours,
                    ssl=context,
                    server_hostname="",
                    ssl_shutdown_timeout=GOODBYE_SECONDS,
                    limit=CHUNK,
                )
            )
        except BaseException:
            carrying.cancel()
            raise


def route_of(site: Site, transport: object) -> Route:
    """The site's way to its compute nodes, by way of what reaches the login nodes if need be."""
    if site.hop == "direct":
        return Direct()
    if not isinstance(transport, Tunnels):
        raise UserError(
            'c.Site.hop is "login", but the hub reaches Slurm not over SSH.',
            'Set it to "direct", or name c.Site.login_hosts.',
        )
    return ThroughLogin(transport)


def _words(error: BaseException) -> str:
    return str(error) or type(error).__name__
