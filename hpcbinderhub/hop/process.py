"""The process that holds the forwarders, so that connections outlive a hub that is restarted.

One event loop and nothing else. It is told what to do by the hub, over a Unix socket, and keeps
what it was told in memory alone: the hub has it in its database, and tells it again to the next.
"""

from __future__ import annotations

import asyncio
import logging
import os
import resource
import signal
from collections.abc import Callable
from dataclasses import dataclass

from ..errors import UserError
from ..slurm.transport.configured import SSHAccess
from .folder import Folder, peer_of
from .forwarder import Forwarder
from .messages import (
    GENERATION,
    LINE_BYTES,
    Answer,
    Close,
    Greeting,
    Look,
    Name,
    Open,
    Request,
)
from .routes import Direct, Route, ThroughLogin, Tunnels

log = logging.getLogger(__name__)

CLAIM_SECONDS = 600.0
"""How long a hub that came back may take to ask for a server. What it has not asked for then has
ended while it was away."""

HOLD_SECONDS = 600.0
"""How long nobody else gets a port that led to a server. JupyterHub looks after the proxy's routes
every five minutes, if it did not take one away at once."""


@dataclass
class _Led:
    asked: Open
    forwarder: Forwarder
    port: int
    hub: int
    """Which of the hubs that came asked for it last."""


class Forwarders:
    """Every way that there is, and the hub that may change them."""

    def __init__(
        self,
        tunnels: Callable[[SSHAccess], Tunnels] = SSHAccess.transport,
        claim_seconds: float = CLAIM_SECONDS,
    ):
        self._tunnels = tunnels
        self._claim_seconds = claim_seconds
        self._led: dict[Name, _Led] = {}
        self._routes: dict[SSHAccess | None, Route] = {None: Direct()}
        self._hubs: set[int] = set()
        self._came = 0
        self._done = asyncio.Event()
        self._looks: set[asyncio.Task[None]] = set()

    async def serve(self, folder: Folder) -> None:
        """Until there is neither a way nor a hub any more."""
        held = await folder.take()
        try:
            server = await asyncio.start_unix_server(self._meet, folder.socket, limit=LINE_BYTES)
            log.info("Process %s answers at %s.", os.getpid(), folder.socket)
            try:
                await self._done.wait()
            finally:
                server.close()
                for name in list(self._led):
                    self._close(name)
        finally:
            os.close(held)

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        who = peer_of(writer)
        if who.uid != os.getuid():
            log.warning("Process %s of uid %s is not the hub, and is not heard.", *who)
            writer.close()
            return
        hub = 0
        try:
            writer.write(Greeting(generation=GENERATION).line())
            while line := await reader.readline():
                request = Request.model_validate_json(line)
                # Whoever only looks who is there is none.
                hub = hub or self._welcome()
                await self._hear(request, hub, writer)
        except (OSError, ValueError) as error:
            log.warning("The hub was not understood: %s", error)
        finally:
            writer.close()
            self._farewell(hub)

    def _welcome(self) -> int:
        self._came += 1
        self._hubs.add(self._came)
        later = asyncio.get_running_loop().call_later
        later(self._claim_seconds, self._drop_unclaimed, self._came)
        return self._came

    def _farewell(self, hub: int) -> None:
        self._hubs.discard(hub)
        if hub and not self._hubs and not self._led:
            self._done.set()

    async def _hear(self, request: Request, hub: int, writer: asyncio.StreamWriter) -> None:
        number, asked = request.number, request.asked
        match asked:
            case Open():
                writer.write((await self._open(asked, hub, number)).line())
            case Close():
                self._close(asked.name)
            case Look():
                # That takes as long as a node does to answer.
                look = asyncio.create_task(self._look(asked.name, number, writer))
                self._looks.add(look)
                look.add_done_callback(self._looks.discard)

    async def _open(self, asked: Open, hub: int, number: int) -> Answer:
        led = self._led.get(asked.name)
        if led and led.asked.same_as(asked):
            led.hub = hub
            return Answer(number=number, port=led.port)
        if led:
            # It is led from the same port to something else.
            self._led.pop(asked.name).forwarder.close()
        try:
            route = self._route(asked.access)
            forwarder = Forwarder(route, asked.target, asked.keys, asked.proxy)
            port = await forwarder.listen(asked.address, asked.port, elsewhere=asked.elsewhere)
        except (OSError, ValueError, UserError) as error:
            return Answer(number=number, problem=str(error))
        self._led[asked.name] = _Led(asked, forwarder, port, hub)
        return Answer(number=number, port=port)

    async def _look(self, name: Name, number: int, writer: asyncio.StreamWriter) -> None:
        led, there = self._led.get(name), False
        try:
            there = bool(led and await led.forwarder.answers())
        finally:
            writer.write(Answer(number=number, there=there).line())

    def _close(self, name: Name) -> None:
        led = self._led.pop(name, None)
        if led:
            led.forwarder.retire(HOLD_SECONDS)

    def _drop_unclaimed(self, hub: int) -> None:
        if hub in self._hubs:
            for name in [name for name, led in self._led.items() if led.hub not in self._hubs]:
                log.info("Nobody asks for the server %s of %s any more.", name.server, name.user)
                self._close(name)

    def _route(self, access: SSHAccess | None) -> Route:
        """One for all servers, so that a user's connections to a login node are shared."""
        if access not in self._routes:
            assert access
            self._routes[access] = ThroughLogin(self._tunnels(access))
        return self._routes[access]


async def run(folder: Folder) -> None:
    """The whole process: until it is told to end, or nothing is left to do."""
    serving = asyncio.create_task(Forwarders().serve(folder))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, serving.cancel)
    await asyncio.wait([serving])
    if not serving.cancelled():
        serving.result()


def allow_many_connections() -> None:
    """Two descriptors for each; the usual soft limit is enough for a few dozen users."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
