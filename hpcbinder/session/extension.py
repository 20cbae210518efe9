"""The extension of the Jupyter server: it connects a session with the server's own parts."""

from __future__ import annotations

import asyncio
import os
import time
from typing import Any

from tornado.ioloop import PeriodicCallback

from . import near_end
from .activity import Activity, kernels, moments, terminals
from .handlers import handlers
from .hub import HubOverHttp
from .session import Session
from .terms import Terms, from_environment

TICK_SECONDS = 5.0


def load(server: Any) -> None:
    """Begin the session that the hub has told of; without one, there is nothing to do."""
    terms = from_environment(os.environ)
    if terms is None:
        return
    session = begin(server, terms)
    server.web_app.settings["hpcbinder_session"] = session
    server.web_app.add_handlers(".*$", handlers(server.web_app.settings["base_url"], session))
    PeriodicCallback(session.tick, TICK_SECONDS * 1000).start()
    _hear_slurm(session)
    server.log.info("hpcbinder: the session's times are watched.")


def begin(server: Any, terms: Terms) -> Session:
    """A session with this server's kernels, terminals and files."""

    def terminals_of_server() -> Any:
        # Their extension may be loaded after this one, or be switched off.
        manager = server.web_app.settings.get("terminal_manager")
        return terminals(manager) if manager is not None else ()

    activity = Activity(
        time.monotonic(),
        lambda: kernels(server.kernel_manager),
        terminals_of_server,
        # Where Jupyter's other extensions note what they see.
        lambda: moments(server.web_app.settings.get("last_activity_times", {}).values()),
    )
    hub = HubOverHttp(terms.url, os.environ.get("JUPYTERHUB_API_TOKEN", ""))
    session = Session(terms, hub, activity, server.stop, server.log.warning, time.monotonic)
    _count_saving(server, session)
    return session


def _count_saving(server: Any, session: Session) -> None:
    """Whoever writes a text has no kernel."""
    register = getattr(server.contents_manager, "register_post_save_hook", None)
    if register is not None:
        register(lambda **_: session.used())


def _hear_slurm(session: Session) -> None:
    """Slurm's word some time before the end. It also comes when a job has to make room, which no
    clock foresees."""
    path = os.environ.get(near_end.VARIABLE)
    if not path:
        return

    async def look() -> None:
        # It is on a file system that may be slow to answer.
        if await asyncio.to_thread(near_end.taken, path):
            session.save()

    PeriodicCallback(look, TICK_SECONDS * 1000).start()
