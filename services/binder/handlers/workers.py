"""Workers: claim a build, get its files, tell how it goes. Each holds a token for this alone."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from tornado.web import HTTPError

from hpcbinderhub.builds.contexts import Outdated
from hpcbinderhub.builds.records import OUTDATED, Build, LeaseLost
from hpcbinderhub.errors import UserError
from hpcbinderhub.events import Line
from hpcbinderhub.images.bills.lock import lock_of
from hpcbinderhub.images.bills.model import Bill
from hpcbinderhub.images.signing import signer_of
from hpcbinderhub.store import removals

from .base import BaseHandler, found

log = logging.getLogger(__name__)

MAX_LINES = 2000
CLAIM_SECONDS = 20
RECORD_GONE = {
    "cause": "internal",
    "message": "The record that this build was to be held to has been removed.",
    "advice": "Build it without a lock.",
}


def _without_nul(text: str) -> str:
    """Whatever a build prints; PostgreSQL's text can hold all of it but this."""
    return text.replace("\0", "\ufffd")


Told = Annotated[str, AfterValidator(_without_nul)]


class Ticket(BaseModel):
    """The ticket of a builder's job, and which job it is."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    ticket: str = Field(max_length=200)
    job: str = Field(pattern=r"^[0-9]{1,20}$")


class Claim(BaseModel):
    """The body of a claim."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    short: str = Field(default="", max_length=500, description="What is lacking to take a build.")


class ReportedLine(BaseModel):
    """One event of a build."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    phase: str = Field(pattern=r"^(fetching|building|pushing|converting)$")
    message: Told = Field(max_length=20_000)


class Report(BaseModel):
    """Events, or none: a heartbeat."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    lines: list[ReportedLine] = Field(max_length=MAX_LINES)


class Finished(BaseModel):
    """What was made."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    artefact: str = Field(pattern=r"^[0-9a-f]{64}$")
    size: int = Field(ge=0, lt=2**63)
    bill: Bill | None = Field(default=None, description="What it is made of.")


class Made(BaseModel):
    """What is to be signed."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    artefact: str = Field(pattern=r"^[0-9a-f]{64}$")


class Failure(BaseModel):
    """Why nothing was made."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    cause: str = Field(max_length=64)
    message: Told = Field(max_length=2000)
    advice: str = Field(default="", max_length=2000)
    lines: list[Annotated[str, Field(max_length=2000)]] = Field(
        default_factory=list, max_length=100
    )


class Removed(BaseModel):
    """Artefacts whose files are gone."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    artefacts: list[Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]] = Field(
        max_length=removals.AT_A_TIME
    )


class WorkerHandler(BaseHandler):
    """A handler for workers; `self.worker` is the name behind the token."""

    worker: str

    async def prepare(self) -> None:
        """Find the worker whose token this is: one that the site knows, or a builder's job."""
        kind, _, token = self.request.headers.get("Authorization", "").partition(" ")
        worker = self._known(token) or await self.services.builders.worker_of(token)
        if kind != "Bearer" or not worker:
            raise HTTPError(403)
        self.worker = worker
        self.services.workers.saw(self.worker)

    def _known(self, token: str) -> str | None:
        """The site's own worker; every token is compared, in constant time."""
        digest = hashlib.sha256(token.encode()).hexdigest()
        known = self.services.site.worker_tokens.items()
        names = [name for name, value in known if hmac.compare_digest(value, digest)]
        return names[0] if names else None

    async def own(self, build_id: str) -> Build:
        """A build that this worker holds."""
        build: Build = found(await self.services.queue.get(build_id), "build")
        if build.worker != self.worker or build.state != "running":
            raise LeaseLost(build_id)
        return build

    def error_of(self, status: int, exception: BaseException | None) -> tuple[int, dict[str, str]]:
        """A lost lease is a conflict, and the worker drops the build."""
        if isinstance(exception, LeaseLost):
            return 409, UserError("This build belongs to another worker by now.").as_dict()
        return super().error_of(status, exception)

    def log_exception(self, typ: Any, value: Any, tb: Any) -> None:
        """Losing a lease happens."""
        if not isinstance(value, LeaseLost):
            super().log_exception(typ, value, tb)


class TokenHandler(BaseHandler):
    """POST: a token for the ticket that a builder's job carries. The ticket is what counts."""

    async def post(self) -> None:
        """See `Dispatcher.exchange`."""
        spent = self.parse(Ticket)
        grant = await self.services.builders.exchange(spent.ticket, spent.job)
        self.answer({"token": grant.token, "seconds": grant.seconds})


class ClaimHandler(WorkerHandler):
    """POST: the next build; 204 if none came within the time that a proxy lets us wait."""

    async def post(self) -> None:
        """See the class."""
        short = self.parse(Claim).short
        self.services.workers.is_short(self.worker, short)
        if short:
            self.set_status(204)
            return
        place = self.services.builders.place_of(self.worker)
        build = await self.services.queue.wait_and_claim(self.worker, CLAIM_SECONDS, place)
        if build is None:
            self.set_status(204)
            return
        recorded = await self.services.queue.recorded(build.locked_to or "")
        if build.locked_to and not recorded:
            await self.services.queue.fail(build.id, self.worker, RECORD_GONE)
            self.set_status(204)
            return
        fields = ("id", "key", "repo_url", "ref", "commit", "attempt", "asker", "reader_uid")
        claimed = {field: getattr(build, field) for field in fields}
        self.answer({**claimed, "lock": lock_of(recorded.bill) if recorded else None})


class ContextHandler(WorkerHandler):
    """GET: the files that the build is made from, as a tar file: no more than its key covers."""

    async def get(self, build_id: str) -> None:
        """A build whose files cannot be had is nothing that its worker could go on with."""
        build = await self.own(build_id)
        try:
            archive = await self._archive(build)
        except UserError as error:
            cause = OUTDATED if isinstance(error, Outdated) else "network"
            failure = error.as_dict() | {"cause": cause}
            await self.services.queue.fail(build_id, self.worker, failure)
            raise LeaseLost(build_id) from error
        await self.send_files(archive)

    async def _archive(self, build: Build) -> Path:
        content = self.services.content
        files = await self.services.contexts.files(build)
        if files is not None:
            return await content.packed(files)
        archive, left_out = await content.archive(
            build.repo_url, build.ref, build.commit, build.reader
        )
        lines: list[Line] = [("fetching", sentence, {}) for sentence in left_out]
        await self.services.queue.report(build.id, self.worker, lines)
        return archive


class ReportHandler(WorkerHandler):
    """POST: events, or a heartbeat without any."""

    async def post(self, build_id: str) -> None:
        """See the class."""
        report = self.parse(Report)
        lines: list[Line] = [(line.phase, line.message, {}) for line in report.lines]
        await self.services.queue.report(build_id, self.worker, lines)
        self.answer({})


class SignHandler(WorkerHandler):
    """POST: the site's signature over an artefact, of who holds the build; the key stays here."""

    async def post(self, build_id: str) -> None:
        """A key that cannot be used keeps nobody from launching: the image is not signed."""
        await self.own(build_id)
        artefact, signature = self.parse(Made).artefact, ""
        try:
            signer = await asyncio.to_thread(signer_of, self.services.site.image_signing_key)
            signature = signer.of_file(artefact) if signer else ""
        except UserError as error:
            log.warning("Artefact %s is not signed: %s", artefact, error)
        self.answer({"signature": signature})


class EndHandler(WorkerHandler):
    """POST: the build is made, has failed, or goes back into the queue."""

    async def post(self, build_id: str, how: str) -> None:
        """See the class."""
        queue = self.services.queue
        if how == "finish":
            done = self.parse(Finished)
            await queue.finish(build_id, self.worker, done.artefact, done.size, done.bill)
        elif how == "fail":
            failure = self.parse(Failure).model_dump()
            await self.services.second_try.fail(await self.own(build_id), self.worker, failure)
        else:
            await queue.release(build_id, self.worker)
        self.answer({})


class RemovalsHandler(WorkerHandler):
    """GET: artefacts whose files are to be removed. POST: those that are.

    Every worker is told of all of them until one says that a file is gone: removing it twice does
    no harm, and one that is killed meanwhile is not missed.
    """

    async def get(self) -> None:
        """See the class."""
        self.answer({"artefacts": await self.services.database.run(removals.pending)})

    async def post(self) -> None:
        """See the class."""
        artefacts = self.parse(Removed).artefacts
        await self.services.copies.are_of_no_use(artefacts)
        await self.services.database.run(removals.removed, artefacts)
        self.answer({})
