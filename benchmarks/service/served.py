"""The service in a process of its own, and bare handlers beside it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from contextlib import suppress
from typing import Any

from hpcbinderhub.services.binder.app import make_web_application, stop
from hpcbinderhub.services.binder.services import assemble
from tornado.httpserver import HTTPServer
from tornado.iostream import StreamClosedError
from tornado.web import RequestHandler

from hpcbinderhub.site import Site
from hpcbinderhub.slurm.cluster import Cluster
from tests.service.running import Builder, Members

BUILDERS = 8
PAGE = b"x" * 12_000
"""About as long as the launch page."""


class BarePage(RequestHandler):
    """GET: bytes."""

    def get(self) -> None:
        """See the class."""
        self.finish(PAGE)


class BareStream(RequestHandler):
    """GET: whatever is said from now on. POST: say it."""

    listeners: set[asyncio.Queue[str]] = set()

    async def get(self) -> None:
        """See the class."""
        mine: asyncio.Queue[str] = asyncio.Queue()
        self.listeners.add(mine)
        self.set_header("Content-Type", "text/event-stream")
        self.write("data: {}\n\n")
        await self.flush()
        with suppress(StreamClosedError):
            while True:
                self.write(await mine.get())
                await self.flush()

    def post(self) -> None:
        """See the class."""
        for listener in self.listeners:
            listener.put_nowait(f"data: {self.request.body.decode()}\n\n")

    def on_connection_close(self) -> None:
        """See the class."""
        self.listeners.clear()


class Builders(RequestHandler):
    """POST {"on": bool}: whether somebody simulates builds."""

    tasks: list[asyncio.Task[None]] = []

    async def post(self) -> None:
        """See the class."""
        for task in self.tasks:
            task.cancel()
        self.tasks.clear()
        if json.loads(self.request.body)["on"]:
            services = self.settings["services"]
            self.tasks.extend(asyncio.create_task(Builder(services).run()) for _ in range(BUILDERS))


async def main(given: dict[str, Any]) -> None:
    """Serve until told to stop."""
    site = Site(**given["site"])
    services = assemble(
        site,
        os.environ["JUPYTERHUB_API_URL"],
        os.environ["JUPYTERHUB_API_TOKEN"],
        Cluster(Members(), site),
    )
    application = make_web_application(services)
    bare = [("page", BarePage), ("stream", BareStream), ("builders", Builders)]
    application.add_handlers(
        ".*", [(f"/services/binder/bare/{name}", handler) for name, handler in bare]
    )
    server = HTTPServer(application, xheaders=True)
    server.listen(given["port"], "127.0.0.1")
    services.upkeep.start()
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    await stopped.wait()
    await stop(server, services)


def serve_site(given: dict[str, Any]) -> None:
    """The process: `given` holds the site's traits and the port."""
    asyncio.run(main(given))
