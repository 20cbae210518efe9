"""The process that holds the forwarders: it outlives the hub, and the hub mends it."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hop.node import Listener, echo, listening, server_context
from tornado.httpserver import HTTPServer
from tornado.web import Application
from tornado.websocket import WebSocketHandler, websocket_connect

from hpcbinderhub.errors import UserError
from hpcbinderhub.hop import folder as folders
from hpcbinderhub.hop import keeper as keepers
from hpcbinderhub.hop.folder import Folder, peer_of
from hpcbinderhub.hop.keeper import Keeper
from hpcbinderhub.hop.keys import HopKeys
from hpcbinderhub.hop.messages import Name, Open
from hpcbinderhub.hop.process import Forwarders
from hpcbinderhub.hop.routes import Target

HERE = "127.0.0.1"
LAB = Name("ada", "lab")
SECONDS = 120.0
"""For what takes moments, unless the machine is busy."""


@pytest.fixture
def keys() -> HopKeys:
    return HopKeys.new()


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "hop")


@pytest.fixture
async def server(keys: HopKeys, tmp_path: Path) -> AsyncIterator[Listener]:
    """What the way leads to: it sends back what comes."""
    async with listening(echo, server_context(keys.for_the_server(), tmp_path)) as made:
        yield made


@pytest.fixture
async def hub(folder: Folder) -> AsyncIterator[Callable[..., Keeper]]:
    """A hub that starts the process, or finds it."""
    made = []

    def come(*, starts: bool = True) -> Keeper:
        made.append(Keeper(folder, starts=starts))
        return made[-1]

    yield come
    for keeper in made:
        await keeper.leave()
    with suppress(OSError):
        os.kill(await process_in(folder), signal.SIGKILL)


@pytest.fixture
async def running(folder: Folder) -> AsyncIterator[asyncio.Task[None]]:
    """The process, as a task of this one."""
    task = asyncio.create_task(Forwarders(claim_seconds=0.2).serve(folder))
    yield task
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


def way(port: int, keys: HopKeys, name: Name = LAB) -> Open:
    """What a hub asks for."""
    target = Target(name.user, HERE, port)
    return Open(name=name, target=target, keys=keys, access=None, proxy=None, address=HERE)


async def process_in(folder: Folder) -> int:
    """Who answers there; OSError if nobody does."""
    _, writer = await asyncio.open_unix_connection(folder.socket)
    writer.close()
    return peer_of(writer).pid


async def call(port: int, words: bytes = b"hello") -> bytes:
    """What is sent back, if anything is."""
    with suppress(OSError):
        reader, writer = await asyncio.open_connection(HERE, port)
        writer.write(words)
        try:
            return await reader.read(len(words))
        finally:
            writer.close()
    return b""


async def until(holds: Callable[[], object]) -> None:
    """Until an awaitable of this kind says so."""
    async with asyncio.timeout(SECONDS):
        while not await holds():  # type: ignore[misc]  # noqa: ASYNC110
            await asyncio.sleep(0.02)


class Kernel(WebSocketHandler):
    def on_message(self, message: str | bytes) -> None:
        self.write_message(message)


class HubProcess:
    """A hub of its own, which can be killed."""

    def __init__(self, process: asyncio.subprocess.Process):
        assert process.stdin
        assert process.stdout
        self.process, self.stdin, self.stdout = process, process.stdin, process.stdout

    @classmethod
    async def start(cls, folder: Folder, asked: Open) -> tuple[HubProcess, int]:
        """One that has had the way opened; its port."""
        program = Path(__file__).with_name("hub.py")
        made = cls(
            await asyncio.create_subprocess_exec(
                *(sys.executable, str(program), str(folder.path)),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
            )
        )
        made.stdin.write(asked.line())
        return made, int(await made.stdout.readline())

    async def kill(self) -> None:
        """As `kill -9` does."""
        self.process.kill()
        await self.process.wait()


@pytest.mark.slow
async def test_a_kernels_connection_lives_on_while_the_hub_is_killed_and_comes_back(
    folder: Folder, keys: HopKeys, tmp_path: Path
) -> None:
    context = server_context(keys.for_the_server(), tmp_path)
    server = HTTPServer(Application([("/kernel", Kernel)]), ssl_options=context)
    server.listen(0, HERE)
    (listener,) = server._sockets.values()
    asked = way(listener.getsockname()[1], keys)

    hub, port = await HubProcess.start(folder, asked)
    process = await process_in(folder)
    kernel = await websocket_connect(f"ws://{HERE}:{port}/kernel")
    await hub.kill()
    await kernel.write_message("without a hub")
    assert await kernel.read_message() == "without a hub"

    hub, again = await HubProcess.start(folder, asked.at(port))
    assert again == port
    assert await process_in(folder) == process
    await kernel.write_message("with the next")
    assert await kernel.read_message() == "with the next"

    # The server has ended; the hub says so, and ends. Nothing is left to do.
    hub.stdin.write(b"close\n")
    assert await kernel.read_message() is None
    await hub.process.wait()
    await until(lambda: gone(process))
    server.stop()


async def gone(process: int) -> bool:
    """Whether it has ended; whoever inherited it may not have noticed."""
    try:
        status = await asyncio.to_thread(Path(f"/proc/{process}/stat").read_text)
    except OSError:
        return True
    return status.rpartition(")")[2].split()[0] == "Z"


@pytest.mark.slow
async def test_a_process_that_was_killed_is_followed_by_one_that_leads_to_the_same_servers(
    folder: Folder, keys: HopKeys, server: Listener, hub: Callable[..., Keeper]
) -> None:
    port = await hub().open(way(server.port, keys))
    assert await call(port) == b"hello"
    first = await process_in(folder)
    os.kill(first, signal.SIGKILL)
    await until(lambda: gone(first))
    # Some program has the port for a moment.
    with socket.create_server((HERE, port)):
        await until(lambda: somebody(folder))
        assert await process_in(folder) != first
    await until(lambda: call(port))


async def somebody(folder: Folder) -> bool:
    """Whether a process answers."""
    with suppress(OSError):
        return bool(await process_in(folder))
    return False


@pytest.mark.slow
async def test_a_process_of_another_generation_is_replaced(
    folder: Folder,
    keys: HopKeys,
    server: Listener,
    hub: Callable[..., Keeper],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    old = hub()
    port = await old.open(way(server.port, keys))
    first = await process_in(folder)
    await old.leave()
    monkeypatch.setattr(keepers, "GENERATION", keepers.GENERATION + 1)
    assert await hub().open(way(server.port, keys).at(port)) == port
    assert await process_in(folder) != first
    assert await call(port) == b"hello"


async def test_nothing_is_led_to_any_more_once_a_server_has_ended(
    keys: HopKeys, server: Listener, hub: Callable[..., Keeper], running: asyncio.Task[None]
) -> None:
    keeper = hub(starts=False)
    port = await keeper.open(way(server.port, keys))
    assert await keeper.answers(LAB)
    reader, writer = await asyncio.open_connection(HERE, port)
    writer.write(b"hello")
    assert await reader.readexactly(5) == b"hello"
    keeper.close(LAB)
    assert await reader.read() == b""
    assert not await keeper.answers(LAB)
    assert await call(port) == b""
    # The proxy may not have heard of it yet.
    with pytest.raises(OSError, match="in use"):
        socket.create_server((HERE, port))
    writer.close()


async def silent(port: int) -> bool:
    """Whether nobody answers."""
    return await call(port) == b""


async def test_what_a_hub_that_came_back_does_not_ask_for_is_closed(
    keys: HopKeys, server: Listener, hub: Callable[..., Keeper], running: asyncio.Task[None]
) -> None:
    first, other = hub(starts=False), Name("ada", "ended meanwhile")
    port = await first.open(way(server.port, keys))
    ended = await first.open(way(server.port, keys, other))
    await first.leave()
    assert await call(ended) == b"hello"
    assert await hub(starts=False).open(way(server.port, keys).at(port)) == port
    await until(lambda: silent(ended))
    assert await call(port) == b"hello"


async def test_a_server_that_ended_while_there_was_no_hub_is_told_of_by_the_next(
    keys: HopKeys, server: Listener, hub: Callable[..., Keeper], running: asyncio.Task[None]
) -> None:
    first = hub(starts=False)
    port = await first.open(way(server.port, keys))
    await first.leave()
    hub(starts=False).close(LAB)
    await until(lambda: silent(port))


async def test_without_a_hub_and_a_server_it_ends(
    folder: Folder,
    keys: HopKeys,
    server: Listener,
    hub: Callable[..., Keeper],
    running: asyncio.Task[None],
) -> None:
    keeper = hub(starts=False)
    # Nobody has said anything yet, so it waits for the hub.
    await until(lambda: somebody(folder))
    await keeper.open(way(server.port, keys))
    keeper.close(LAB)
    await keeper.leave()
    async with asyncio.timeout(SECONDS):
        await running


async def test_an_address_that_is_not_this_hosts_is_a_sentence(
    keys: HopKeys, hub: Callable[..., Keeper], running: asyncio.Task[None]
) -> None:
    elsewhere = way(1, keys).model_copy(update={"address": "192.0.2.1"})
    with pytest.raises(UserError, match="open its end of the way"):
        await hub(starts=False).open(elsewhere)


async def test_a_second_process_leaves_the_first_alone(
    folder: Folder, running: asyncio.Task[None], monkeypatch: pytest.MonkeyPatch
) -> None:
    await until(lambda: somebody(folder))
    monkeypatch.setattr(folders, "LEAVING_SECONDS", 0.05)
    with pytest.raises(BlockingIOError):
        async with asyncio.timeout(SECONDS):
            await Forwarders().serve(folder)
    assert await somebody(folder)


async def test_a_folder_that_others_may_enter_is_not_used(folder: Folder) -> None:
    folder.path.mkdir(mode=0o755)
    with pytest.raises(PermissionError, match="0700"):
        async with asyncio.timeout(SECONDS):
            await Forwarders().serve(folder)


KNOCK = """
import os, socket, sys
os.setuid(65534)
where = sys.argv[1]
asking = socket.socket(socket.AF_UNIX if "/" in where else socket.AF_INET)
asking.connect(where if "/" in where else ("127.0.0.1", int(where)))
try:
    asking.sendall(b"hello")
    print(asking.recv(1000))
except ConnectionError:
    print(b"")
"""


async def knock(where: object) -> bytes:
    """What another account hears at a socket or a port."""
    process = await asyncio.create_subprocess_exec(
        *("/usr/bin/env", "python3", "-c", KNOCK, str(where)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    return (await process.communicate())[0]


NOTHING = b"b''\n"


@pytest.mark.skipif(os.getuid() != 0, reason="needs root, to be somebody else")
async def test_another_account_of_the_host_gets_nothing_past_the_proxy(
    keys: HopKeys, server: Listener, hub: Callable[..., Keeper], running: asyncio.Task[None]
) -> None:
    keeper, other = hub(starts=False), Name("ada", "by another proxy")
    port = await keeper.open(way(server.port, keys))
    assert await call(port) == b"hello"
    assert await knock(port) == NOTHING
    theirs = way(server.port, keys, other).model_copy(update={"proxy": 65534})
    assert await knock(await keeper.open(theirs)) == b"b'hello'\n"


@pytest.mark.skipif(os.getuid() != 0, reason="needs root, to be somebody else")
async def test_another_account_is_not_heard_even_if_it_gets_to_the_socket() -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as outer:
        os.chmod(outer, 0o755)
        folder = Folder(Path(outer, "hop"))
        serving = asyncio.create_task(Forwarders().serve(folder))
        await until(lambda: somebody(folder))
        refusal = await knock(folder.socket)
        assert b"PermissionError" in refusal
        folder.path.chmod(0o755)
        folder.socket.chmod(0o777)
        assert await knock(folder.socket) == NOTHING
        serving.cancel()
        await asyncio.wait([serving])
