"""A port on the hub's host that leads to one server, and to nobody else.

The proxy speaks plain HTTP to it. Each of its connections becomes one to the server, and no byte of
it is sent before the other end has proved to be that server: a request carries cookies.
"""

from __future__ import annotations

import asyncio
import logging
import os
from ipaddress import ip_address

from .callers import caller_of
from .keys import HopKeys
from .routes import NoServer, Route, Target
from .streams import CHUNK, Streams, carry

log = logging.getLogger(__name__)


class Forwarder:
    """Leads to one server for as long as it is open."""

    def __init__(self, route: Route, target: Target, keys: HopKeys, proxy: int | None = None):
        """`proxy`: the uid that the proxy has, if it is not ours."""
        self._callers = {os.getuid(), proxy}
        self._retired = False
        self._route = route
        self._target = target
        self._context = keys.context()
        self._going: set[asyncio.Task[None]] = set()
        self._listener: asyncio.Server | None = None
        self._said = ""

    async def listen(self, address: str, port: int = 0, *, elsewhere: bool = True) -> int:
        """Take connections on `port`, or on another one if that is taken; which one it is. OSError
        if there is none, or if `elsewhere` will not do."""
        try:
            self._listener = await asyncio.start_server(self._take, address, port, limit=CHUNK)
        except OSError:
            if not (port and elsewhere):
                raise
            return await self.listen(address)
        ours = self._listener.sockets[0].getsockname()
        # A kernel that does not say whose connections are is noticed now.
        caller_of(ours, ours)
        return int(ours[1])

    async def answers(self) -> bool:
        """Whether the server is there, and is the one that it should be."""
        try:
            far = await self._route.connect(self._target, self._context)
        except NoServer:
            return False
        await far.close()
        return True

    def retire(self, seconds: float) -> None:
        """Drop all connections and take no more, but keep the port for a while: the proxy may lead
        there until it has heard that the server is gone, and nobody else is to get its requests."""
        self._retired = True
        self._hang_up()
        asyncio.get_running_loop().call_later(seconds, self.close)

    def close(self) -> None:
        """Take no more connections and drop those that there are."""
        if self._listener:
            self._listener.close()
        self._hang_up()

    def _hang_up(self) -> None:
        for task in self._going:
            task.cancel()

    def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._retired or not self._may(writer):
            writer.transport.abort()
            return
        task = asyncio.create_task(self._forward(Streams(reader, writer)))
        self._going.add(task)
        task.add_done_callback(self._going.discard)

    def _may(self, writer: asyncio.StreamWriter) -> bool:
        """Whether it is the proxy, or the hub. Of another host, the site's firewall decides who
        may: then we listen where it can get to."""
        theirs, ours = (writer.get_extra_info(end) for end in ("peername", "sockname"))
        if not theirs:
            return False
        try:
            uid = caller_of(theirs, ours)
        except ConnectionResetError:
            return False
        except OSError as error:
            self._say(f"whose a connection was could not be told: {error}")
            return False
        if uid is None:
            return not ip_address(ours[0]).is_loopback
        if uid not in self._callers:
            self._say(f"uid {uid} of this host is not the proxy")
        return uid in self._callers

    async def _forward(self, near: Streams) -> None:
        try:
            far = await self._route.connect(self._target, self._context)
            self._said = ""
            await carry(near, far)
        except NoServer as error:
            # The proxy shows the hub's page about a server that does not answer.
            self._say(f"it is not the server: {error}")
        finally:
            near.abort()

    def _say(self, problem: str) -> None:
        """Once: a page that is open asks again and again."""
        if problem != self._said:
            _, node, port = self._target
            log.warning("Nothing leads to %s:%s: %s", node, port, problem)
        self._said = problem
