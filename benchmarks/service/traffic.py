"""HTTP as light as can be, so that the one who measures costs little of what is measured."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    body: bytes


@asynccontextmanager
async def sent(
    method: str, url: str, headers: dict[str, str], body: bytes = b""
) -> AsyncIterator[tuple[int, asyncio.StreamReader]]:
    """A request on a connection of its own: its status, and the rest to read."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    try:
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        lines = [f"{method} {target} HTTP/1.1", f"Host: {parts.netloc}", "Connection: close"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        if body or method == "POST":
            lines.append(f"Content-Length: {len(body)}")
        writer.write("\r\n".join([*lines, "", ""]).encode() + body)
        status = int((await reader.readline()).split()[1])
        while (await reader.readline()).strip():
            pass
        yield status, reader
    finally:
        writer.close()


async def ask(method: str, url: str, headers: dict[str, str], body: Any = None) -> Answer:
    """A request and its whole answer; `body` is sent as JSON."""
    text = b"" if body is None else json.dumps(body).encode()
    async with sent(method, url, headers, text) as (status, reader):
        return Answer(status, await reader.read())


async def follow(url: str, headers: dict[str, str]) -> AsyncIterator[dict[str, Any]]:
    """The events of a stream as they come; breaks off with a ConnectionError if it is refused."""
    async with sent("GET", url, headers | {"Accept": "text/event-stream"}) as (status, reader):
        if status != 200:
            raise ConnectionError(f"{url}: {status}")
        while line := await reader.readline():
            if line.startswith(b"data: "):
                yield json.loads(line[6:])


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that so many percent do not exceed."""
    return sorted(values)[max(0, math.ceil(len(values) * percent / 100) - 1)]


def in_ms(values: Sequence[float], percent: float) -> float:
    """A percentile of seconds, in milliseconds as they are printed."""
    return round(percentile(values, percent) * 1000, 1)
