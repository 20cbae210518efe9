"""Dask's dashboard on a Unix socket that only its owner can open, and never on a port: it has no
password. It is loaded when it is first looked at, since that takes as long as all else together."""

from __future__ import annotations

import asyncio
import importlib
import logging
import os
from pathlib import Path
from typing import Any

from distributed.http.routing import RoutingApplication
from tornado import web
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_unix_socket

logger = logging.getLogger(__name__)

PAGES = "distributed.dashboard.scheduler"


class Dashboard:
    """The pages of one scheduler."""

    def __init__(self, scheduler: Any, routes: list[Any], path: Path) -> None:
        self._scheduler = scheduler
        self._loading = asyncio.Lock()
        self.application = RoutingApplication(routes)
        self.server = HTTPServer(self.application)
        # Dask asks for it when it says whose pages a browser may open sockets from.
        self.server.port = 0
        self._first = web.Application([(r".*", FirstLook, {"dashboard": self})])
        self.application.add_application(self._first)
        try:
            self.server.add_socket(bind_unix_socket(os.fspath(path), mode=0o600))
        except OSError as error:
            # Such as a path that is too long for a socket. Workers work without.
            logger.warning("There is no dashboard: %s cannot be made (%s).", path, error)

    async def load(self) -> None:
        """The pages, from now on; ImportError if the environment has none."""
        async with self._loading:
            if self._first not in self.application.applications:
                return
            loop = asyncio.get_running_loop()
            pages = await loop.run_in_executor(None, importlib.import_module, PAGES)
            self.application.applications.remove(self._first)
            pages.connect(self.application, self.server, self._scheduler, prefix="")


class FirstLook(web.RequestHandler):
    """Whatever is asked for first, before the pages are loaded."""

    def initialize(self, dashboard: Dashboard) -> None:
        """The dashboard that is looked at."""
        self._dashboard = dashboard

    async def get(self) -> None:
        """Load the pages, and lead the browser to where it wanted to go."""
        try:
            await self._dashboard.load()
        except Exception as error:
            self.set_status(501)
            self.set_header("Content-Type", "text/plain; charset=utf-8")
            self.finish(
                "This environment has no dashboard: it needs bokeh in a version that goes with "
                f"its Dask ({error}).\nAdd bokeh to the repository's requirements, and launch "
                "again. Your workers run without it.\n"
            )
            return
        # Relative, since the browser sees another path than we do.
        wanted = self.request.path.rpartition("/")[2] or "status"
        query = f"?{self.request.query}" if self.request.query else ""
        self.redirect(wanted + query)
