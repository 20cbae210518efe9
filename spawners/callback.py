"""The job's calls to the hub: claim what it needs, say where it listens, and ask for its times.

They are part of the hub, not of a service, because only the hub's process knows a server's secrets.
Each is narrow and typed, and answers only the job that it belongs to.
"""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal, TypeVar

from jupyterhub.apihandlers import APIHandler
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from tornado import web

from hpcbinderhub.errors import Unavailable, UserError
from hpcbinderhub.launches.options import Line

from .claims import over
from .imagebatch import ImageBatchSpawner

Model = TypeVar("Model", bound=BaseModel)


class Claim(BaseModel):
    """A job's ticket, and which job it is; or which run, on a login node."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    ticket: Annotated[str, StringConstraints(max_length=200)]
    job: Annotated[str, StringConstraints(pattern=r"^([0-9]{1,20}|[0-9a-f]{32})$")]
    claimant: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")] = ""
    """What this run of the start command calls itself, and tells nobody but the hub."""
    tls: bool = False
    """Whether the image's tools can protect the server's port."""


class Ready(BaseModel):
    """Where the server listens, on the node that Slurm names."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    port: int = Field(ge=1024, le=65535)
    notice: Line = ""


class Ending(BaseModel):
    """Why a server ends by itself: nothing runs in it, or the notebook has ended that it ran."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    why: Literal["idle", "run"]
    exit_code: int = Field(default=0, ge=0, le=255)
    words: Line = ""
    """Of a run: what has become of it."""


class Extension(BaseModel):
    """How much more time a server's owner asks for."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    minutes: int = Field(ge=1, le=100_000)


class JobHandler(APIHandler):  # type: ignore[misc]
    """What all calls share. They carry a ticket or a token, never a cookie."""

    def check_xsrf_cookie(self) -> None:
        """There is no cookie to protect."""

    def prepare(self) -> None:
        """Leave out JupyterHub's look for a user: the ticket is what counts."""
        self._jupyterhub_user = None

    def spawner(self, user_name: str, server_name: str | None) -> ImageBatchSpawner:
        """The spawner of this server. A hub that has just started reads it from the database."""
        user, name = self.find_user(user_name), server_name or ""
        there = user is not None and name in user.orm_spawners
        wrapper = user.spawners[name] if there else None
        inner = getattr(wrapper, "child_spawner", wrapper)
        if not isinstance(inner, ImageBatchSpawner):
            raise over()
        return inner

    def token(self) -> str:
        """The server's own token."""
        token = self.get_auth_token()
        if not token:
            raise web.HTTPError(403)
        return str(token)

    def body(self, model: type[Model]) -> Model:
        """The request's body."""
        try:
            return model.model_validate_json(self.request.body)
        except ValidationError as error:
            raise UserError(f"Not a {model.__name__.lower()}.", detail=str(error)) from error

    def answer(self, status: int, value: Any) -> None:
        """JSON, not to be kept by anybody on the way."""
        self.set_status(status)
        self.set_header("Content-Type", "application/json")
        self.set_header("Cache-Control", "no-store")
        self.finish(json.dumps(value))

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Our errors as JSON: 503 means try again, everything else is final."""
        error = kwargs.get("exc_info", (None, None, None))[1]
        if isinstance(error, Unavailable):
            self.answer(503, {"message": str(error)})
        elif isinstance(error, UserError):
            self.answer(error.status, error.as_dict())
        else:
            self.answer(status_code, {"message": "The hub could not answer."})

    def log_exception(self, typ: Any, value: Any, tb: Any) -> None:
        """Refusals are ordinary; defects are not."""
        if isinstance(value, (Unavailable, UserError)):
            self.log.info("%s %s: %s", self.request.method, self.request.path, value)
        else:
            super().log_exception(typ, value, tb)


class ClaimHandler(JobHandler):
    """POST: a ticket for the environment, the secrets and the content's address."""

    async def post(self, user_name: str, server_name: str | None) -> None:
        """See `ImageBatchSpawner.claim`."""
        claim = self.body(Claim)
        if not (claim.tls and claim.claimant):
            raise UserError(
                "The tools in this image cannot protect the server's port, or its secrets.",
                "Launch the repository again, so that its image is built with newer tools.",
            )
        spawner = self.spawner(user_name, server_name)
        self.answer(200, await spawner.claim(claim.ticket, claim.job, claim.claimant))


class ReadyHandler(JobHandler):
    """POST: the port, with the server's own token."""

    async def post(self, user_name: str, server_name: str | None) -> None:
        """See `ImageBatchSpawner.report_ready`."""
        token, ready = self.token(), self.body(Ready)
        await self.spawner(user_name, server_name).report_ready(token, ready.port, ready.notice)
        self.answer(200, {})


class SessionHandler(JobHandler):
    """GET: how long the server may still run; an operator may have changed that."""

    async def get(self, user_name: str, server_name: str | None) -> None:
        """See `ImageBatchSpawner.time_left`."""
        left = await self.spawner(user_name, server_name).time_left(self.token())
        self.answer(200, {"left": left})


class EndingHandler(JobHandler):
    """POST: why the server is about to end by itself."""

    async def post(self, user_name: str, server_name: str | None) -> None:
        """See `ImageBatchSpawner.report_unused` and `report_run`."""
        token, ending = self.token(), self.body(Ending)
        spawner = self.spawner(user_name, server_name)
        if ending.why == "idle":
            await spawner.report_unused(token)
        else:
            await spawner.report_run(token, ending.exit_code, ending.words)
            self._check_started(user_name, server_name or "")
        self.answer(200, {})

    def _check_started(self, user_name: str, server_name: str) -> None:
        """A notebook may be quicker than JupyterHub's look for its server. One that ended before
        it was seen would have failed to start, so it says this again until it was."""
        if not self.find_user(user_name).spawners[server_name].ready:
            raise Unavailable("JupyterHub has not seen this server yet.")


class ExtensionHandler(JobHandler):
    """POST: more time, if the site gives any."""

    async def post(self, user_name: str, server_name: str | None) -> None:
        """See `ImageBatchSpawner.extend`."""
        token, extension = self.token(), self.body(Extension)
        left = await self.spawner(user_name, server_name).extend(token, extension.minutes)
        self.answer(200, {"left": left})


SERVER = r"/api/hpcbinderhub/jobs/([^/]+)(?:/([^/]+))?"
"""A user, and the name of her server; none for her default one."""

handlers = [
    (f"{SERVER}/claim", ClaimHandler),
    (f"{SERVER}/ready", ReadyHandler),
    (f"{SERVER}/session", SessionHandler),
    (f"{SERVER}/session/ending", EndingHandler),
    (f"{SERVER}/session/extension", ExtensionHandler),
]
