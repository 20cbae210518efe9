"""What jobs send to a hub, answered by its real handlers over HTTP."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from doubles.slurm_in_memory import CLAIMANT
from hpcbinderhub.spawners import callback
from tornado import web
from tornado.httpclient import AsyncHTTPClient
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port

from .rig import SECONDS, Rig


@dataclass(frozen=True)
class Answer:
    """What a job hears."""

    status: int
    body: dict[str, Any]

    @property
    def token(self) -> str:
        """The server's, after a claim."""
        return str(self.body["env"]["JUPYTERHUB_API_TOKEN"])


class Calls:
    """The hub's address for jobs."""

    def __init__(self, rig: Rig) -> None:
        self._rig = rig
        self._socket, self._port = bind_unused_port()
        self._server: HTTPServer | None = None
        self.hub_comes()

    def hub_comes(self) -> None:
        """The hub of the rig answers from now on: another one after a restart."""
        self.close()
        settings = {
            **self._rig.users.settings,
            "db": self._rig.db,
            "users": self._rig.users,
            "cookie_secret": b"x" * 32,
        }
        handlers = [(f"/hub{path}", handler) for path, handler in callback.handlers]
        self._server = HTTPServer(web.Application(handlers, **settings))
        self._server.add_socket(self._socket.dup())

    def close(self) -> None:
        """Nobody answers."""
        if self._server:
            self._server.stop()

    async def post(self, where: str, body: Any, token: str = "") -> Answer:
        """Send it to `USER/SERVER/WHAT`."""
        answer = await AsyncHTTPClient().fetch(
            f"http://127.0.0.1:{self._port}/hub/api/hpcbinderhub/jobs/{where}",
            method="POST",
            body=json.dumps(body),
            headers={"Authorization": f"token {token}"} if token else {},
            raise_error=False,
            request_timeout=SECONDS,
        )
        return Answer(answer.code, json.loads(answer.body))

    async def claim(
        self, job: str, /, claimant: str = CLAIMANT, where: str = "alice/lab", **other: Any
    ) -> Answer:
        """What the start command of this job asks for first."""
        body = {"ticket": self._rig.slurm.ticket(job), "job": job, "claimant": claimant}
        return await self.post(f"{where}/claim", {**body, "tls": True, **other})
