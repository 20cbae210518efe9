"""The forwarder over real TLS: what gets through, and to whom nothing does."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hop.node import Reader, Writer, echo, listening, server_context
from tornado.httpclient import AsyncHTTPClient
from tornado.httpserver import HTTPServer
from tornado.web import Application, RequestHandler
from tornado.websocket import WebSocketHandler, websocket_connect

from hpcbinderhub.hop.forwarder import Forwarder
from hpcbinderhub.hop.keys import HopKeys
from hpcbinderhub.hop.routes import Direct, Target

HERE = "127.0.0.1"
REQUEST = b"GET /user/ada/ HTTP/1.1\r\nCookie: secret\r\n\r\n"


@pytest.fixture
def keys() -> HopKeys:
    return HopKeys.new()


@pytest.fixture
async def forward(keys: HopKeys) -> AsyncIterator[Callable[[int], Forwarder]]:
    """A forwarder to a port of this host."""
    made = []

    def to(port: int) -> Forwarder:
        made.append(Forwarder(Direct(), Target("ada", HERE, port), keys))
        return made[-1]

    yield to
    for forwarder in made:
        forwarder.close()


class Page(RequestHandler):
    def get(self) -> None:
        self.write("lab")


class Kernel(WebSocketHandler):
    def on_message(self, message: str | bytes) -> None:
        self.write_message(message)


async def test_requests_and_websockets_get_through(
    keys: HopKeys, tmp_path: Path, forward: Callable[[int], Forwarder]
) -> None:
    pages = Application([("/lab", Page), ("/kernel", Kernel)])
    server = HTTPServer(pages, ssl_options=server_context(keys.for_the_server(), tmp_path))
    server.listen(0, HERE)
    (socket,) = server._sockets.values()
    forwarder = forward(socket.getsockname()[1])
    port = await forwarder.listen(HERE)
    answer = await AsyncHTTPClient().fetch(f"http://{HERE}:{port}/lab")
    assert answer.body == b"lab"
    kernel = await websocket_connect(f"ws://{HERE}:{port}/kernel")
    for text in ("1 + 1", "x" * 2**20):
        await kernel.write_message(text)
        assert await kernel.read_message() == text
    kernel.close()
    server.stop()
    await server.close_all_connections()


async def test_ten_megabytes_go_both_ways_unchanged(
    keys: HopKeys, tmp_path: Path, forward: Callable[[int], Forwarder]
) -> None:
    data = bytes(range(256)) * 40_000
    async with listening(echo, server_context(keys.for_the_server(), tmp_path)) as server:
        port = await forward(server.port).listen(HERE)
        reader, writer = await asyncio.open_connection(HERE, port)
        writer.write(data)
        assert await reader.readexactly(len(data)) == data
        writer.close()


async def test_a_reader_that_is_slow_holds_the_server_up(
    keys: HopKeys, tmp_path: Path, forward: Callable[[int], Forwarder]
) -> None:
    sent = 0

    async def pour(_: Reader, writer: Writer) -> None:
        nonlocal sent
        while True:
            writer.write(bytes(2**20))
            await writer.drain()
            sent += 2**20

    async with listening(pour, server_context(keys.for_the_server(), tmp_path)) as server:
        port = await forward(server.port).listen(HERE)
        _, writer = await asyncio.open_connection(HERE, port, limit=2**16)
        before = -1
        while sent == 0 or sent != before:
            before = sent
            await asyncio.sleep(0.3)
        assert sent < 64 * 2**20
        writer.transport.abort()


async def test_what_a_server_said_before_it_ended_arrives(
    keys: HopKeys, tmp_path: Path, forward: Callable[[int], Forwarder]
) -> None:
    async def say(_: Reader, writer: Writer) -> None:
        writer.write(b"x" * 2**22)

    async with listening(say, server_context(keys.for_the_server(), tmp_path)) as server:
        port = await forward(server.port).listen(HERE)
        reader, writer = await asyncio.open_connection(HERE, port)
        assert len(await reader.read(-1)) == 2**22
        writer.close()


async def test_a_proxy_that_hangs_up_leaves_no_connection_behind(
    keys: HopKeys, tmp_path: Path, forward: Callable[[int], Forwarder]
) -> None:
    async with (
        listening(echo, server_context(keys.for_the_server(), tmp_path)) as server,
        asyncio.timeout(60),
    ):
        port = await forward(server.port).listen(HERE)
        _, writer = await asyncio.open_connection(HERE, port)
        await server.begun.wait()
        writer.close()
        await server.ended.wait()


@pytest.mark.parametrize("disguise", ["plain", "her own certificate", "of another launch"])
async def test_whoever_takes_over_a_freed_port_hears_nothing(
    disguise: str, keys: HopKeys, tmp_path: Path, forward: Callable[[int], Forwarder]
) -> None:
    async with listening(echo, server_context(keys.for_the_server(), tmp_path)) as server:
        forwarder = forward(server.port)
        assert await forwarder.answers()
        port = await forwarder.listen(HERE)

    heard = b""

    async def listen_in(reader: Reader, writer: Writer) -> None:
        nonlocal heard
        heard += await reader.read(2**16)
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        heard += await reader.read()

    context = (
        None if disguise == "plain" else server_context(HopKeys.new().for_the_server(), tmp_path)
    )
    if context and disguise == "her own certificate":
        context.verify_mode = ssl.CERT_NONE
    async with listening(listen_in, context, server.port) as stranger:
        assert not await forwarder.answers()
        assert await ask(port) == b""
        if disguise == "plain":
            await stranger.ended.wait()
    # All that ever came is the beginning of TLS, if she does not speak it herself.
    assert heard[:1] in (b"", b"\x16")
    assert b"secret" not in heard


async def test_nobody_without_the_hubs_certificate_is_answered(
    keys: HopKeys, tmp_path: Path
) -> None:
    knows = {"server_certificate": keys.server_certificate}
    of_another_launch = HopKeys.new().model_copy(update=knows).context()
    none = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    none.check_hostname = False
    none.load_verify_locations(cadata=keys.server_certificate)
    async with listening(echo, server_context(keys.for_the_server(), tmp_path)) as server:
        for context in (of_another_launch, none, None):
            assert await ask(server.port, context) == b""
        assert not server.begun.is_set()


async def ask(port: int, context: ssl.SSLContext | None = None) -> bytes:
    """What a request is answered with, if it is."""
    with suppress(OSError):
        reader, writer = await asyncio.open_connection(HERE, port, ssl=context)
        writer.write(REQUEST)
        with suppress(OSError):
            return await reader.read()
    return b""


async def test_a_hub_that_comes_back_listens_where_it_did(
    keys: HopKeys, tmp_path: Path, forward: Callable[[int], Forwarder]
) -> None:
    async with listening(echo, server_context(keys.for_the_server(), tmp_path)) as server:
        first = forward(server.port)
        port = await first.listen(HERE)
        _, idle = await asyncio.open_connection(HERE, port)
        first.close()
        kept = HopKeys.model_validate(keys.without_the_servers().model_dump())
        again = Forwarder(Direct(), Target("ada", HERE, server.port), kept)
        assert await again.listen(HERE, port) == port
        assert await again.answers()
        # Somebody has the port: another one, which JupyterHub tells the proxy.
        third = forward(server.port)
        assert await third.listen(HERE, port) not in (0, port)
        idle.close()
        again.close()
