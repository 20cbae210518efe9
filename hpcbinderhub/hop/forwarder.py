"""A port on the hub's host that leads to one server, and to nobody else.

The proxy speaks plain HTTP to it. Each of its connections becomes one to the server, and no byte of
it is sent before the other end has proved to be that server: a request carries cookies.
"""

from __future__ import annotations

import asyncio
import logging

from .keys import HopKeys
from .routes import NoServer, Route, Target
from .streams import CHUNK, Streams, carry

log = logging.getLogger(__name__)


class Forwarder:
    """Leads to one server for as long as it is open."""

    def __init__(self, route: Route, target: Target, keys: HopKeys):
        self._route = route
        self._target = target
        self._context = keys.context()
        self._going: set[asyncio.Task[None]] = set()
        self._listener: asyncio.Server | None = None

    async def listen(self, address: str, port: int = 0) -> int:
        """Take connections on `port`, or on another one if that is taken; which one it is."""
        try:
            self._listener = await asyncio.start_server(self._take, address, port, limit=CHUNK)
        except OSError:
            if not port:
                raise
            return await self.listen(address)
        return int(self._listener.sockets[0].getsockname()[1])

    async def answers(self) -> bool:
        """Whether the server is there, and is the one that it should be."""
        try:
            far = await self._route.connect(self._target, self._context)
        except NoServer:
            return False
        await far.close()
        return True

    def close(self) -> None:
        """Take no more connections and drop those that there are."""
        if self._listener:
            self._listener.close()
        for task in self._going:
            task.cancel()

    def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._forward(Streams(reader, writer)))
        self._going.add(task)
        task.add_done_callback(self._going.discard)

    async def _forward(self, near: Streams) -> None:
        try:
            far = await self._route.connect(self._target, self._context)
            await carry(near, far)
        except NoServer as error:
            # The proxy shows the hub's page about a server that does not answer.
            log.warning("%s:%s is not the server: %s", self._target.node, self._target.port, error)
        finally:
            near.abort()
