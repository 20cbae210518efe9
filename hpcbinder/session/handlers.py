"""What the page in JupyterLab asks of its server."""

from __future__ import annotations

import json
from typing import Any

from jupyter_server.base.handlers import APIHandler
from tornado import web

from .hub import Unanswered
from .session import Session


class SessionHandler(APIHandler):  # type: ignore[misc]
    """GET: what is left of the server's time, and what the page has to do."""

    # A page that asks is merely open.
    _track_activity = False

    def initialize(self, session: Session) -> None:
        """The one session that this server has."""
        self.session = session

    @web.authenticated
    def get(self) -> None:
        """See `Session.state`."""
        self.tell()

    def tell(self) -> None:
        """The state as it is now."""
        self.set_header("Cache-Control", "no-store")
        self.finish(json.dumps(self.session.state()))


class UseHandler(SessionHandler):
    """POST: the server is in use, says its owner, or something that works for her."""

    @web.authenticated
    def post(self) -> None:
        """Needs no body."""
        self.session.used()
        self.tell()


class ExtensionHandler(SessionHandler):
    """POST: more time, if the site lets users ask for it."""

    @web.authenticated
    async def post(self) -> None:
        """By as much as the profile says."""
        try:
            await self.session.extend()
        except Unanswered as words:
            self.set_status(409)
            self.finish(json.dumps({"message": str(words)}))
        else:
            self.tell()


def handlers(base_url: str, session: Session) -> list[tuple[str, type[APIHandler], dict[str, Any]]]:
    """Where they are."""
    here = base_url.rstrip("/") + "/hpcbinder/api/session"
    given = {"session": session}
    return [
        (here, SessionHandler, given),
        (f"{here}/use", UseHandler, given),
        (f"{here}/extension", ExtensionHandler, given),
    ]
