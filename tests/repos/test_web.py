"""The service's own way out, through a proxy where a site has one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from doubles.archives import Internet, moved

from hpcbinderhub.errors import UserError
from hpcbinderhub.repos.guard import Guard
from hpcbinderhub.repos.web import Question, Web


@pytest.fixture
async def proxy(internet: Internet) -> AsyncIterator[tuple[str, list[str]]]:
    """A proxy that knows where `data.example` is, as only the site's does; and its requests."""
    port = int(internet.url.rpartition(":")[2])
    asked: list[str] = []

    async def carry(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        while chunk := await source.read(65536):
            target.write(chunk)
        target.close()

    async def tunnel(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        asked.append(head)
        if "data.example:80 " not in head:
            writer.write(b"HTTP/1.1 403 Forbidden\r\n\r\n")
            writer.close()
            return
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        inside = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(carry(reader, inside[1]), carry(inside[0], writer))

    server = await asyncio.start_server(tunnel, "127.0.0.1", 0)
    yield f"http://me:pa%3Ass@127.0.0.1:{server.sockets[0].getsockname()[1]}", asked
    server.close()


async def test_a_proxy_carries_what_the_service_asks(
    internet: Internet, proxy: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    address, asked = proxy
    monkeypatch.setenv("http_proxy", address)
    internet.says("/a", moved("/b"))
    internet.says("/b", b"here")
    answer = await Web(Guard()).ask(Question("http://data.example/a"))
    assert (answer.status, answer.body, answer.url) == (200, b"here", "http://data.example/b")
    assert "Proxy-Authorization: Basic bWU6cGE6c3M=\r\n" in asked[0]
    with pytest.raises(UserError, match=r"other\.example cannot be reached") as refused:
        await Web(Guard()).ask(Question("http://other.example/a"))
    assert "403 Forbidden" in refused.value.detail


async def test_redirects_end(internet: Internet) -> None:
    internet.says("/a", moved("/a"))
    with pytest.raises(UserError, match="without end"):
        await Web(Guard(private=["127.0.0.0/8"])).ask(Question(f"{internet.url}/a"))


@pytest.mark.parametrize(
    "target", ["file:///etc/passwd", "http://me:secret@127.0.0.1/", "http://[", "http://x:y/"]
)
async def test_only_http_is_followed_and_never_with_a_password(
    target: str, internet: Internet
) -> None:
    internet.says("/a", moved(target))
    with pytest.raises(UserError, match="no address that can be fetched"):
        await Web(Guard(private=["127.0.0.0/8"])).ask(Question(f"{internet.url}/a"))
