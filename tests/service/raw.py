"""Requests byte by byte, as no well-behaved client would send them."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPResponse

HANG_SECONDS = 90


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: str


def ask(
    port: int,
    target: bytes,
    headers: Mapping[str, bytes],
    method: str = "GET",
    body: bytes = b"",
    length: int | None = None,
) -> Answer:
    """Send a request to this host, and wait for all of its answer. `length` is what the request
    says of its body, if not the truth."""
    announced = len(body) if length is None else length
    lines = [
        b"%s %s HTTP/1.1" % (method.encode(), target),
        b"Host: 127.0.0.1",
        b"Connection: close",
        *(name.encode() + b": " + value for name, value in headers.items()),
        b"Content-Length: %d" % announced,
    ]
    with socket.create_connection(("127.0.0.1", port), HANG_SECONDS) as connection:
        connection.sendall(b"\r\n".join([*lines, b"", body]))
        answer = HTTPResponse(connection, method=method)
        answer.begin()
        text = answer.read().decode("utf-8", "replace")
        return Answer(answer.status, dict(answer.getheaders()), text)
