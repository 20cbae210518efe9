"""One connection that is kept, as a browser keeps its own, and what an answer took."""

from __future__ import annotations

import http.client
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from urllib.parse import urlencode

TOKEN = "benchmark"
PATIENCE_SECONDS = 120


@dataclass(frozen=True)
class Answer:
    """`seconds` run from the request until its last byte is there."""

    seconds: float
    body: bytes = field(repr=False)


class Connection:
    """To one server on this host."""

    def __init__(self, port: int) -> None:
        self._http = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_SECONDS)
        self._headers = {"Authorization": f"token {TOKEN}"}

    def __enter__(self) -> Connection:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._http.close()

    def get(self, path: str, arguments: Mapping[str, object] | None = None) -> Answer:
        """Anything but 200 ends the benchmark: what was not answered was not measured."""
        target = f"/{path}?{urlencode(arguments)}" if arguments else f"/{path}"
        begun = time.perf_counter()
        self._http.request("GET", target, headers=self._headers)
        response = self._http.getresponse()
        body = response.read()
        taken = time.perf_counter() - begun
        assert response.status == http.client.OK, f"{target}: {response.status} {body[:500]!r}"
        return Answer(taken, body)
