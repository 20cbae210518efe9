"""HTTPS to the hub, with patience.

Proxies of the environment are not used and redirects are not followed: the server that is started
reaches the hub directly too, and a ticket or token goes to no other host than the one named.
"""

from __future__ import annotations

import errno
import json
import time
from collections.abc import Callable
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from ssl import SSLCertVerificationError, SSLContext
from typing import NamedTuple, Protocol, TypeVar
from urllib.parse import urlsplit

from .report import Exit, Stop, say

T = TypeVar("T")

FIRST_PAUSE, GROWTH, LONGEST_PAUSE = 0.2, 1.5, 10.0
SILENCE = 60.0
CHUNK = 2**20
LOOPBACK = ("localhost", "127.0.0.1", "::1")


class Transient(Exception):
    """What may be over in a moment, as a sentence."""


class Sink(Protocol):
    """Where a download goes: a file, or what can be written like one."""

    def tell(self) -> int: ...
    def seek(self, offset: int, /) -> object: ...
    def truncate(self) -> object: ...
    def write(self, chunk: bytes, /) -> object: ...
    def flush(self) -> object: ...


class Answer(NamedTuple):
    """A final answer of the hub."""

    status: int
    reason: str
    body: bytes

    @property
    def message(self) -> str:
        """The server's own words."""
        try:
            return str(json.loads(self.body)["message"])
        except (ValueError, KeyError, TypeError):
            return f"{self.status} {self.reason}"


def patiently(attempt: Callable[[], T], phase: str, patience: float, code: Exit) -> T:
    """What `attempt` returns once it raises `Transient` no more; the log shows what is waited for,
    but not every try."""
    deadline = time.monotonic() + patience
    pause, said = FIRST_PAUSE, ""
    while True:
        try:
            return attempt()
        except Transient as trouble:
            sentence = str(trouble)
        if time.monotonic() + pause > deadline:
            raise Stop(
                code, phase, f"{sentence} Gave up after {patience / 60:.0f} minutes. Launch again."
            )
        if sentence != said:
            say(phase, f"{sentence} Trying again for up to {patience / 60:.0f} minutes.")
            said = sentence
        time.sleep(pause)
        pause = min(pause * GROWTH, LONGEST_PAUSE)


class Hub:
    """One phase's conversation with the hub."""

    def __init__(self, phase: str, context: SSLContext, patience: float) -> None:
        self.phase = phase
        self.context = context
        self.patience = patience

    def post(self, url: str, fields: dict[str, object], authorization: str = "") -> Answer:
        """The answer to `fields` sent as JSON."""
        headers = {"Content-Type": "application/json", "Authorization": authorization}
        body = json.dumps(fields).encode()
        return self._patiently(lambda: self._attempt("POST", url, headers, body, None))

    def get(self, url: str, authorization: str) -> Answer:
        """The answer, held in memory."""
        headers = {"Authorization": authorization}
        return self._patiently(lambda: self._attempt("GET", url, headers, None, None))

    def download(self, url: str, into: Sink, authorization: str) -> Answer:
        """The answer whose body, if it is the one asked for, is now in `into`. A connection that
        breaks costs only what had not arrived."""
        headers = {"Authorization": authorization}
        return self._patiently(lambda: self._attempt("GET", url, headers, None, into))

    def _patiently(self, attempt: Callable[[], Answer]) -> Answer:
        answer = patiently(attempt, self.phase, self.patience, Exit.NO_HUB)
        if 200 <= answer.status < 300:
            return answer
        code = Exit.ALREADY_CLAIMED if answer.status == 409 else Exit.REFUSED
        raise Stop(code, self.phase, f"The hub refused: {answer.message}")

    def _attempt(
        self,
        method: str,
        url: str,
        headers: dict[str, str],
        body: bytes | None,
        into: Sink | None,
    ) -> Answer:
        connection, target = self._connection(url)
        if into is not None and into.tell():
            headers = {**headers, "Range": f"bytes={into.tell()}-"}
        try:
            connection.request(method, target, body, {k: v for k, v in headers.items() if v})
            response = connection.getresponse()
            if response.status in (408, 429) or response.status >= 500:
                raise Transient(f"The hub is not ready ({response.status} {response.reason}).")
            received = b""
            if into is not None and response.status in (200, 206):
                _stream(response, into)
            else:
                received = response.read()
            return Answer(response.status, response.reason, received)
        except SSLCertVerificationError as error:
            raise Stop(
                Exit.NO_HUB,
                self.phase,
                f"The certificate of {connection.host} cannot be trusted ({error.verify_message}). "
                "Ask the site's administrators to check the hub's CA.",
            ) from None
        except (OSError, HTTPException) as error:
            # A failing name server or route passes; a full disk below `into` does not.
            if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise
            raise Transient(
                f"The hub at {connection.host} cannot be reached ({type(error).__name__}: {error})."
            ) from None
        finally:
            connection.close()

    def _connection(self, url: str) -> tuple[HTTPConnection, str]:
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port
        except ValueError:
            host, port = "", None
        target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
        if host and parts.scheme == "https":
            return HTTPSConnection(host, port, timeout=SILENCE, context=self.context), target
        if host in LOOPBACK and parts.scheme == "http":
            return HTTPConnection(host, port, timeout=SILENCE), target
        raise Stop(
            Exit.UNFIT,
            self.phase,
            "The hub gave an address that is not https://. Ask the site's administrators to set it "
            "right: secrets are sent there.",
        )


def _stream(response: HTTPResponse, into: Sink) -> None:
    if response.status == 200:
        into.seek(0)
        into.truncate()
    expected = response.length
    begin = into.tell()
    while chunk := response.read(CHUNK):
        into.write(chunk)
    into.flush()
    if expected is not None and into.tell() - begin != expected:
        raise Transient("The download broke off.")
