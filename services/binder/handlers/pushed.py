"""Repositories that the caller pushes from a clone of hers: sent, listed, removed."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field
from tornado.http1connection import HTTP1Connection
from tornado.web import stream_request_body

from hpcbinderhub.errors import UserError
from hpcbinderhub.repos.spec import DEFAULT_REF, pushed

from ..models import JustPushedModel, PushedModel
from ..operations import operation
from .base import LAUNCH_SCOPE, UserHandler, found


class PushQuery(BaseModel):
    """The query of PUT /api/pushed/{name}."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    shared: bool = Field(default=False, description="Let everybody launch it who may log in.")


class PushedListHandler(UserHandler):
    """GET: what the caller has pushed."""

    @operation(
        "List the repositories that you have pushed",
        scope=LAUNCH_SCOPE,
        answers={200: list[PushedModel]},
    )
    async def get(self) -> None:
        """With what each takes up, and when it goes."""
        user, days = self.require(LAUNCH_SCOPE), self.services.site.pushed_days
        repositories = await self.services.pushed.of_user(user)
        self.answer([PushedModel.of(repository, days) for repository in repositories])


@stream_request_body
class PushedHandler(UserHandler):
    """PUT: push. DELETE: remove."""

    def initialize(self) -> None:
        """What is sent goes to the disk as it comes, however much it is."""
        self._whole = False
        self._refusal: UserError | None = None
        folder = self.services.site.state_dir
        self._file = tempfile.NamedTemporaryFile(dir=folder)  # noqa: SIM115  (see `on_finish`)

    def set_default_headers(self) -> None:
        """A refusal before the body was read ends the connection: a proxy must not send the next
        request, which may be anybody's, into it."""
        super().set_default_headers()
        self.set_header("Connection", "close")

    async def prepare(self) -> None:
        """Know what may not come before it comes."""
        await super().prepare()
        if self.request.method != "PUT":
            return
        user = self.require(LAUNCH_SCOPE)
        length = self.request.headers.get("Content-Length", "")
        if not length.isdecimal():
            raise UserError("How much is sent?", "Say so with Content-Length.", status=411)
        connection = self.request.connection
        assert isinstance(connection, HTTP1Connection), "Tornado's server speaks nothing else"
        connection.set_max_body_size(int(length))
        try:
            await self.services.pushed.admit(user, int(length))
            self.count(user)
        except UserError as refusal:
            # A proxy on the way takes an answer before the end for a broken connection.
            self._refusal = refusal

    def data_received(self, chunk: bytes) -> None:
        """A part of the bundle. Writing only fills the kernel's memory, so it holds up nobody."""
        if not self._refusal:
            self._file.write(chunk)

    @operation(
        "Push a repository",
        scope=LAUNCH_SCOPE,
        body=bytes,
        query=PushQuery,
        answers={201: JustPushedModel},
    )
    async def put(self, name: str) -> None:
        """As a Git bundle of one commit with its history. You alone can launch it, unless it is
        shared. If that changes, what was pushed before under this name is removed."""
        self._whole = True
        if self._refusal:
            raise self._refusal
        user, services = self.require(LAUNCH_SCOPE), self.services
        url = pushed(user, name, DEFAULT_REF).repo_url
        await asyncio.to_thread(self._file.flush)
        taken = await services.pushed.take(
            user, name, Path(self._file.name), shared=self.query(PushQuery).shared
        )
        notices = await services.repositories.git.not_pushed(url, taken.commit, taken.reader)
        shown = PushedModel.of(taken, services.site.pushed_days)
        self.answer(JustPushedModel(**shown.model_dump(), notices=notices), 201)

    @operation("Remove what you have pushed under a name", scope=LAUNCH_SCOPE, answers={204: None})
    async def delete(self, name: str) -> None:
        """Servers that run go on; its links open nothing more."""
        user = self.require(LAUNCH_SCOPE)
        gone = await self.services.pushed.remove(user, name)
        found(gone or None, "pushed repository")
        self.set_status(204)

    def on_connection_close(self) -> None:
        """Who leaves before the end is never answered, so nothing else would tidy up."""
        if not self._whole:
            self.on_finish()

    def on_finish(self) -> None:
        """What was sent is in the cache by now, or refused."""
        if not self._file.closed:
            self._file.close()
            super().on_finish()
