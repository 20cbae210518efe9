"""The process: serves the library, and goes on where the last one stopped."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import time
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tornado.httpserver import HTTPServer
from tornado.log import access_log
from tornado.web import Application as WebApplication
from tornado.web import RequestHandler
from traitlets import Unicode
from traitlets.config import Application

from hpcbinderhub.credentials.store import Credentials
from hpcbinderhub.errors import UserError
from hpcbinderhub.site import load_site

from .handlers import routes
from .keeper import told_to_stop
from .logins import cookie_secret
from .metrics import Metrics
from .services import Services, assemble
from .templates import template_environment

log = logging.getLogger(__name__)

MAX_BODY = 16 * 2**20
"""What anybody may have us hold: as much as a worker's longest report."""
GRACE_SECONDS = 5.0
PORT_SECONDS = 20.0
"""Longer than the last service may take to end."""


class BinderService(Application):
    """The hub-managed service."""

    name = "hpcbinderhub-service"
    description = "The web service of HPC BinderHub. JupyterHub starts it."

    config_dir = Unicode(
        "/etc/jupyterhub/jupyterhub_config.d",
        config=True,
        help="The directory with the site's configuration files.",
    )
    aliases = {"config": "BinderService.config_dir"}

    def start(self) -> None:
        """Serve until told to stop, or until the keeper that started us is gone."""
        logging.basicConfig(
            level=logging.INFO, format="[%(levelname)s %(asctime)s %(name)s] %(message)s"
        )
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        site = load_site(self.config_dir)
        services = assemble(
            site, os.environ["JUPYTERHUB_API_URL"], os.environ["JUPYTERHUB_API_TOKEN"]
        )
        address = urlsplit(os.environ["JUPYTERHUB_SERVICE_URL"])
        server = make_server(services)
        await listen(server, address.port or 80, address.hostname or "127.0.0.1")
        try:
            await _rotate(services.credentials)
            await services.conductor.resume()
            services.upkeep.start()
            services.crews.start()
            await told_to_stop()
        finally:
            await stop(server, services)


async def listen(server: HTTPServer, port: int, host: str, seconds: float = PORT_SECONDS) -> None:
    """Listen as soon as the last service lets go of the port: it may be saying good-bye."""
    limit = time.monotonic() + seconds
    told = False
    while True:
        try:
            return server.listen(port, host)
        except OSError as error:
            if error.errno != errno.EADDRINUSE or time.monotonic() > limit:
                raise
        if not told:
            log.warning("Port %d is taken. Waiting for up to %.0f s.", port, seconds)
        told = True
        await asyncio.sleep(0.1)


async def stop(server: HTTPServer, services: Services) -> None:
    """Take no more requests, let those that are under way end, and leave the records as they are:
    workers and pages come back to the next service and go on."""
    server.stop()
    services.queue.stop_waiting()
    await services.farewell.say(GRACE_SECONDS)
    await services.upkeep.close()
    await services.crews.close()
    await services.conductor.close()
    await services.parts.close()
    await server.close_all_connections()
    await services.database.close()


def make_server(services: Services) -> HTTPServer:
    """The server over assembled services."""
    return HTTPServer(make_web_application(services), xheaders=True, max_body_size=MAX_BODY)


def make_web_application(services: Services, **settings: Any) -> WebApplication:
    """The web application over assembled services."""
    prefix = os.environ.get("JUPYTERHUB_SERVICE_PREFIX", "/services/binder/")
    return WebApplication(
        routes(prefix, services.site.title),
        services=services,
        templates=template_environment(),
        prefix=prefix,
        hub_base_url=os.environ.get("JUPYTERHUB_BASE_URL", "/") + "hub/",
        cookie_secret=cookie_secret(Path(services.site.state_dir)),
        log_function=partial(log_request, services.metrics),
        **settings,
    )


def log_request(metrics: Metrics, handler: RequestHandler) -> None:
    """Count an answered request, and log what went wrong. What went well is many lines."""
    metrics.answered(handler)
    if handler.get_status() >= 400:
        log = access_log.warning if handler.get_status() < 500 else access_log.error
        request = handler.request
        log("%d %s %s", handler.get_status(), request.method, request.path)


async def _rotate(credentials: Credentials) -> None:
    """A file of keys that cannot be used keeps private repositories closed, and nothing else."""
    try:
        await credentials.rotate()
    except UserError as error:
        log.warning("%s", error)


if __name__ == "__main__":
    BinderService.launch_instance()
