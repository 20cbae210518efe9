"""HTTP for the service itself: what archives and forges say, and the files that they hold.

Every address, and every one that it redirects to, is looked at by the guard and reached at the very
addresses that were looked at. Answers are limited in size and in time.
"""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO, TypeVar
from urllib.parse import urljoin, urlsplit

from pydantic import TypeAdapter, ValidationError
from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.httputil import HTTPHeaders
from tornado.simple_httpclient import SimpleAsyncHTTPClient

from .. import __version__
from ..errors import NotFound, UserError
from .guard import MAX_REDIRECTS, Guard, Pinned, Way
from .proxy import ThroughProxy

CONNECT_SECONDS = 20
ANSWER_SECONDS = 60
ANSWER_BYTES = 8 * 2**20
DOWNLOAD_SECONDS = 1800

Model = TypeVar("Model")


class NotUnderstood(UserError):
    """The server answered, but not as what it was taken for."""


@dataclass(frozen=True)
class Question:
    """What is asked of a server, and how much of an answer is taken."""

    url: str
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    limit: int = ANSWER_BYTES
    seconds: float = ANSWER_SECONDS
    body: bytes = b""

    def at(self, url: str) -> Question:
        """The same elsewhere. A token is for the host that it was meant for."""
        if urlsplit(url)[:2] == urlsplit(self.url)[:2]:
            return replace(self, url=url)
        kept = {name: text for name, text in self.headers.items() if name != "Authorization"}
        return replace(self, url=url, headers=kept)


@dataclass(frozen=True)
class Answer:
    """What a server said."""

    url: str
    status: int
    headers: HTTPHeaders
    body: bytes = b""

    @property
    def moved(self) -> str | None:
        """Where the server sends us, if it does."""
        target = self.headers.get("Location") if self.status in (301, 302, 303, 307, 308) else None
        return _checked(target, self.url) if target else None


class Web:
    """Asks servers that a guard lets through."""

    def __init__(self, guard: Guard):
        self._guard = guard

    async def read(self, url: str, model: type[Model], method: str = "GET") -> Model:
        """A JSON answer; NotFound if there is none at this address."""
        answer = await self.ask(Question(url, method, {"Accept": "application/json"}))
        _check(answer)
        try:
            return TypeAdapter(model).validate_json(answer.body)
        except ValidationError as error:
            raise NotUnderstood(
                f"{_host(url)} gave an answer that is not understood here.",
                "Check the address; if it is right, tell your help desk.",
                detail=str(error)[:600],
                status=502,
            ) from error

    async def ask(self, question: Question) -> Answer:
        """Whatever the server answers, redirects followed."""
        body = io.BytesIO()
        answer = await self._follow(question, body)
        return replace(answer, body=body.getvalue())

    async def moved(self, url: str) -> str | None:
        """Where an address leads in one step, if it leads on."""
        return (await self._once(Question(url), io.BytesIO())).moved

    async def download(
        self, url: str, target: Path, limit: int, headers: Mapping[str, str] | None = None
    ) -> None:
        """A file, which may have `limit` bytes."""
        # Writing only fills the kernel's memory, chunk by chunk, so it holds up nobody.
        with target.open("wb") as file:
            question = Question(url, headers=headers or {}, limit=limit, seconds=DOWNLOAD_SECONDS)
            _check(await self._follow(question, file))

    async def _follow(self, question: Question, body: BinaryIO) -> Answer:
        for _ in range(MAX_REDIRECTS + 1):
            body.seek(0)
            body.truncate()
            answer = await self._once(question, body)
            moved = answer.moved
            if moved is None:
                return answer
            question = question.at(moved)
        raise UserError(
            f"{question.url} redirects without end.", "Paste the address that it leads to."
        )

    async def _once(self, question: Question, body: BinaryIO) -> Answer:
        client = _client(await self._guard.look(_checked(question.url)), question.limit)
        try:
            response = await client.fetch(_request(question, body), raise_error=False)
        except (OSError, HTTPClientError) as error:
            raise UserError(
                f"{_host(question.url)} cannot be reached from here, broke off, or sent more than "
                f"the {question.limit // 2**20} MiB that are taken.",
                "Try again; if it goes on, the site's network may not allow it.",
                detail=str(error),
                status=502,
            ) from error
        finally:
            client.close()
        return Answer(question.url, response.code, response.headers)


def _client(way: Way, limit: int) -> SimpleAsyncHTTPClient:
    """One that can go nowhere but the way."""
    if not way.proxy:
        return SimpleAsyncHTTPClient(force_instance=True, resolver=Pinned(way), max_body_size=limit)
    client = SimpleAsyncHTTPClient(force_instance=True, max_body_size=limit)
    client.tcp_client = ThroughProxy(way.proxy)
    return client


def _request(question: Question, body: BinaryIO) -> HTTPRequest:
    def keep(chunk: bytes) -> None:
        body.write(chunk)

    agent = {"User-Agent": f"hpcbinderhub/{__version__}", "Accept": "*/*"}
    return HTTPRequest(
        question.url,
        question.method,
        headers=agent | dict(question.headers),
        body=question.body if question.method == "POST" else None,
        follow_redirects=False,
        connect_timeout=CONNECT_SECONDS,
        request_timeout=question.seconds,
        decompress_response=False,
        ca_certs=os.environ.get("SSL_CERT_FILE"),
        streaming_callback=keep,
    )


def _check(answer: Answer) -> None:
    """Nothing, if the server gave what it was asked for."""
    host = _host(answer.url)
    if 200 <= answer.status < 300:
        return
    if answer.status in (401, 403, 404, 410):
        raise NotFound(
            f"{host} has nothing public at {answer.url}.",
            "Check the address: what is restricted, or was taken back, cannot be launched.",
        )
    busy = answer.status in (429, 503)
    raise UserError(
        f"{host} is busy." if busy else f"{host} has trouble of its own.",
        "Try again in a few minutes.",
        detail=f"HTTP status {answer.status}",
        status=503 if busy else 502,
    )


def _host(url: str) -> str:
    return urlsplit(url).hostname or url[:80]


def _checked(url: str, base: str = "") -> str:
    """An address over HTTP(S). Archives' own may be long and hold whatever addresses may."""
    try:
        whole = urljoin(base, url)
        parts = urlsplit(whole)
        fine = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        fine = False
    if not fine or "@" in parts.netloc:
        raise UserError(
            f"“{url[:120]}” is no address that can be fetched.", "Tell whoever keeps this record."
        )
    return whole
