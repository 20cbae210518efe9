"""How a connection gets from the hub's host to a compute node.

Whichever way it goes, TLS is between the hub and the server: what lies between carries bytes.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, runtime_checkable

from ..errors import Unavailable
from .streams import CHUNK, Reader, Streams, Writer, carry

if TYPE_CHECKING:
    from ..site import Site

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

    async def open(self, target: Target) -> Streams:
        """A connection to whatever listens there; `NoServer` without one."""
        ...

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

    async def open(self, target: Target) -> Streams:
        """See `Route.open`."""
        return await self._connected(target)

    async def connect(self, target: Target, context: ssl.SSLContext) -> Streams:
        """See `Route.connect`."""
        return await self._connected(
            target, ssl=context, server_hostname="", ssl_shutdown_timeout=GOODBYE_SECONDS
        )

    async def _connected(self, target: Target, **tls: Any) -> Streams:
        async with _in_time():
            made = await asyncio.open_connection(target.node, target.port, limit=CHUNK, **tls)
        for option in KEEPALIVE:
            made[1].get_extra_info("socket").setsockopt(*option)
        return Streams(*made)


class ThroughLogin:
    """The hub's host reaches the login nodes alone, and goes on from there as the user."""

    def __init__(self, tunnels: Tunnels):
        self._tunnels = tunnels
        self._carrying: set[asyncio.Task[None]] = set()

    async def open(self, target: Target) -> Streams:
        """See `Route.open`."""
        async with _in_time():
            return Streams(*await self._tunnels.open_stream(*target))

    async def connect(self, target: Target, context: ssl.SSLContext) -> Streams:
        """See `Route.connect`."""
        async with _in_time():
            far = Streams(*await self._tunnels.open_stream(*target))
            return await self._secured(far, context)

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
    # Without SSH, the hub's own host is the login node.
    if site.hop == "login" and isinstance(transport, Tunnels):
        return ThroughLogin(transport)
    return Direct()


@asynccontextmanager
async def _in_time() -> AsyncIterator[None]:
    """Whatever goes wrong, and whatever takes too long, is a server that is not there."""
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            yield
    except (OSError, TimeoutError, Unavailable) as error:
        raise NoServer(str(error) or type(error).__name__) from error
