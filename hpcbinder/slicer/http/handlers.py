"""One handler for all operations: what they differ in is said in `operations.py`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import APIHandler
from tornado import web
from tornado.iostream import StreamClosedError

from ..errors import Refusal
from ..process.asked import Request
from ..process.client import Client
from .operation import Operation
from .sending import Stalled, send, taken

BUSY_SECONDS = "1"


@dataclass(frozen=True)
class Served:
    """What every handler of the slicer has."""

    client: Client
    prefix: str
    stall_seconds: float


class SlicerHandler(APIHandler):
    """Refusals are told as JSON, and a connection that was closed ends the work for it."""

    auth_resource = "contents"
    _working: asyncio.Future[None] | None = None

    def initialize(self, served: Served) -> None:
        """The server's one reading process."""
        self.served = served

    def set_default_headers(self) -> None:
        """What was read is the user's alone, and may be another thing a moment later."""
        super().set_default_headers()
        self.set_header("Cache-Control", "private, no-store")
        self.set_header("X-Content-Type-Options", "nosniff")
        # Nor does a page of another site find out by an image whether a file is there.
        self.set_header("Cross-Origin-Resource-Policy", "same-origin")

    def compute_etag(self) -> str | None:
        """Only the reading process knows whether data changed: no sum over each picture."""
        return None

    def on_connection_close(self) -> None:
        """Nobody waits any more."""
        if self._working is not None:
            self._working.cancel()

    async def finish_with(self, work: Coroutine[Any, Any, None]) -> None:
        """Answer by `work`, whatever becomes of it."""
        self._working = asyncio.ensure_future(work)
        try:
            # Not awaited itself: it may be cancelled, and Tornado's own coroutine must not be.
            await asyncio.wait([self._working])
            self._tell_the_end(self._working)
        finally:
            # What was to be sent is known to it, and would stay until cycles are looked for.
            self._working = None

    def _tell_the_end(self, working: asyncio.Future[None]) -> None:
        if working.cancelled():
            return
        error = working.exception()
        if isinstance(error, Refusal) and not self._headers_written:
            self.refuse(error)
        elif isinstance(error, (Stalled, Refusal)):
            self.log.warning("hpcbinder.slicer: a connection was closed. %s", error)
            self.detach().close()
        elif error is not None and not isinstance(error, StreamClosedError):
            raise error

    def refuse(self, refusal: Refusal) -> None:
        """Its sentences."""
        self.set_status(refusal.status)
        if refusal.status in (429, 503):
            self.set_header("Retry-After", BUSY_SECONDS)
        self.finish(json.dumps(refusal.as_dict()))

    def all_of(self, name: str) -> list[str]:
        """A parameter's values as they came: Tornado would take spaces and control characters
        away, and names in files may have them."""
        try:
            return [value.decode() for value in self.request.query_arguments.get(name, [])]
        except UnicodeDecodeError:
            raise Refusal(
                400, f"The parameter “{name}” is not UTF-8.", "Encode it so.", "parameter"
            ) from None

    def first_arguments(self) -> dict[str, str]:
        """Each parameter's first value."""
        return {name: self.all_of(name)[0] for name in self.request.query_arguments}

    async def pass_on(self, request: Request) -> None:
        """Ask the reading process, and hand on what it says."""
        seconds = self.served.stall_seconds
        async with self.served.client.ask(request) as asked:
            await send(self, asked, seconds)
            kind = self._headers.get("Content-Type", "application/json")
            await taken(self.finish(set_content_type=kind), seconds)

    def condition(self) -> dict[str, str]:
        """What the browser has already."""
        known = self.request.headers.get("If-None-Match")
        return {"If-None-Match": known} if known else {}

    def reads_gzip(self) -> bool:
        """Whether an answer may come compressed."""
        return "gzip" in self.request.headers.get("Accept-Encoding", "")


class OperationHandler(SlicerHandler):
    """GET: one of the operations."""

    def initialize(self, served: Served, operation: Operation) -> None:  # type: ignore[override]
        """The operation that lies here."""
        super().initialize(served)
        self.operation = operation

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """See `operations.py`."""
        await self.finish_with(self._answered())

    async def _answered(self) -> None:
        arguments = self.operation.checked(self.first_arguments())
        view, turn = arguments.pop("view", "") or None, int(arguments.pop("turn", "") or 0)
        request = Request(
            do=self.operation.do or self.operation.path,
            arguments={**arguments, **self.condition()},
            quick=self.operation.quick,
            compress=self.reads_gzip(),
            view=view,
            turn=turn,
        )
        await self.pass_on(request)


class DescriptionHandler(SlicerHandler):
    """GET: the description of the API."""

    def initialize(self, served: Served, description: dict[str, Any]) -> None:  # type: ignore[override]
        """Made once."""
        super().initialize(served)
        self.description = description

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """OpenAPI 3.1."""
        self.finish(json.dumps(self.description))
