"""To nodes that only a login node reaches: the same TLS, inside of the user's SSH connection."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import asyncssh
import pytest
from hop.node import Reader, Writer, echo, listening, server_context

from hpcbinderhub.errors import UserError
from hpcbinderhub.hop.forwarder import Forwarder
from hpcbinderhub.hop.keys import HopKeys
from hpcbinderhub.hop.routes import Direct, NoServer, Target, ThroughLogin, route_of
from hpcbinderhub.site import Site
from hpcbinderhub.slurm.certificates import KeyFile
from hpcbinderhub.slurm.transport import SSHTransport

HERE = "127.0.0.1"


class Login:
    """A login node that forwards connections, and knows who asked for which."""

    def __init__(self, folder: Path):
        self._folder = folder
        self.asked: list[tuple[str, int]] = []

    async def start(self) -> None:
        for name in ("host", "user"):
            key = asyncssh.generate_private_key("ssh-ed25519")
            key.write_private_key(self._folder / name)
            key.write_public_key(self._folder / f"{name}.pub")
        asked = self.asked

        class Gate(asyncssh.SSHServer):
            def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
                self._conn = conn

            def connection_requested(self, host: str, port: int, *_: object) -> bool:
                asked.append((self._conn.get_extra_info("username"), port))
                return True

        self._server = await asyncssh.listen(
            HERE,
            0,
            server_factory=Gate,
            server_host_keys=[self._folder / "host"],
            authorized_client_keys=str(self._folder / "user.pub"),
        )
        port = self._server.get_port()
        known = self._folder / "known"
        known.write_text(f"[{HERE}]:{port} {(self._folder / 'host.pub').read_text()}")
        key = KeyFile(self._folder / "user")
        self.transport = SSHTransport([f"{HERE}:{port}"], str(known), key, "agent")

    async def stop(self) -> None:
        await self.transport.close()
        self._server.close()
        await self._server.wait_closed()


@pytest.fixture
async def login(tmp_path: Path) -> AsyncIterator[Login]:
    made = Login(tmp_path)
    await made.start()
    yield made
    await made.stop()


async def test_requests_go_through_the_login_node_as_the_user(login: Login, tmp_path: Path) -> None:
    keys, data = HopKeys.new(), bytes(range(256)) * 10_000
    route = ThroughLogin(login.transport)
    async with (
        listening(echo, server_context(keys.for_the_server(), tmp_path)) as server,
        asyncio.timeout(20),
    ):
        forwarder = Forwarder(route, Target("ada", HERE, server.port), keys)
        port = await forwarder.listen(HERE)
        connections = [await asyncio.open_connection(HERE, port) for _ in range(3)]
        for reader, writer in connections:
            writer.write(data)
            assert await reader.readexactly(len(data)) == data
            writer.close()
        await server.ended.wait()
        forwarder.close()
    assert login.asked == [("ada", server.port)] * 3


async def test_whoever_has_the_port_now_hears_nothing(login: Login, tmp_path: Path) -> None:
    keys = HopKeys.new()
    heard = asyncio.Event()

    async def listen_in(reader: Reader, _: Writer) -> None:
        heard.set()

    others = HopKeys.new().for_the_server()
    async with listening(listen_in, server_context(others, tmp_path)) as stranger:
        target = Target("ada", HERE, stranger.port)
        with pytest.raises(NoServer, match="certificate"):
            await ThroughLogin(login.transport).connect(target, keys.context())
    assert not heard.is_set()
    with pytest.raises(NoServer, match="failed"):
        await ThroughLogin(login.transport).connect(target, keys.context())


async def test_a_site_says_which_way_its_nodes_are_reached(login: Login) -> None:
    assert isinstance(route_of(Site(), login.transport), Direct)
    assert isinstance(route_of(Site(hop="login"), login.transport), ThroughLogin)
    with pytest.raises(UserError, match="not over SSH"):
        route_of(Site(hop="login"), object())
