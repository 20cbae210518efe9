"""The Jupyter server's part: Dask's dashboards behind its own login, and what runs on workers
counts as use of the server.

It runs in the server's own Python, which may hold no Dask: `scheduler.py` is in the kernels'.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import shutil
import time
from pathlib import Path
from typing import Any

from tornado import web
from tornado.ioloop import PeriodicCallback

from . import places
from .wanted import NAME

LOOK_SECONDS = 5.0
FRESH_SECONDS = 20.0
"""A scheduler says that something runs more often than this."""


def load(server: Any) -> None:
    """A folder for the sockets of all crews, of which kernels know by their environment."""
    folder = places.folder_for_all()
    os.environ[places.VARIABLE] = str(folder)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    settings = server.web_app.settings
    _count_use(settings, folder)
    try:
        handler = _handler(folder)
    except ImportError:
        server.log.info("hpcbinder: without jupyter-server-proxy, Dask's dashboards are not shown.")
        return
    base = settings["base_url"].rstrip("/")
    path = rf"{base}/hpcbinder/workers/({NAME.pattern})/dashboard/(.*)"
    server.web_app.add_handlers(".*$", [(path, handler)])


def _count_use(settings: dict[str, Any], folder: Path) -> None:
    """As long as something runs on workers, the server is in use."""

    async def look() -> None:
        last = await asyncio.to_thread(lambda: max(places.used(folder), default=0.0))
        session = settings.get("hpcbinder_session")
        if session is not None and time.time() - last < FRESH_SECONDS:
            session.used()

    PeriodicCallback(look, LOOK_SECONDS * 1000).start()


def _handler(folder: Path) -> type[web.RequestHandler]:
    from jupyter_server_proxy.handlers import ProxyHandler

    class DashboardHandler(ProxyHandler):  # type: ignore[misc]
        """The pages of one crew's scheduler, for whoever may use this server."""

        async def http_get(self, name: str, path: str) -> None:
            """A page, or a part of one."""
            self._lead_to(name)
            await self.proxy("localhost", 0, path)

        async def open(self, name: str, path: str) -> None:
            """The socket by which a page is kept up to date."""
            self._lead_to(name)
            await self.proxy_open("localhost", 0, path)

        def _lead_to(self, name: str) -> None:
            path = folder / name / places.DASHBOARD
            if not path.exists():
                raise web.HTTPError(
                    404, f"“{name}” has no dashboard here: its workers were closed, or never made."
                )
            self.unix_socket = os.fspath(path)
            self.proxy_base = f"hpcbinder/workers/{name}/dashboard"

        def _record_activity(self) -> None:
            """A page that is merely open is no use of the server."""

    return DashboardHandler
