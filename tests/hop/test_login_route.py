"""To nodes that only a login node reaches: the same TLS, inside of the user's SSH connection."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import asyncssh
import pytest
from hop.node import Reader, Writer, echo, listening, server_context

from hpcbinderhub.hop.folder import Folder
from hpcbinderhub.hop.forwarder import Forwarder
from hpcbinderhub.hop.keeper import Keeper
from hpcbinderhub.hop.keys import HopKeys
from hpcbinderhub.hop.messages import Name, Open
from hpcbinderhub.hop.process import Forwarders
from hpcbinderhub.hop.routes import Direct, NoServer, Target, ThroughLogin, route_of
from hpcbinderhub.site import Site
from hpcbinderhub.slurm.certificates import KeyFile
from hpcbinderhub.slurm.transport import SSHTransport
from hpcbinderhub.slurm.transport.configured import SSHAccess
from hpcbinderhub.slurm.transport.local import LocalTransport

HERE = "127.0.0.1"


class Login:
    """A login node that forwards connections, and knows who asked for which."""

    def __init__(self, folder: Path):
        self._folder = folder
        self.asked: list[tuple[str, int]] = []

    async def start(self) -> None:
        for name in ("host", "user", "authority"):
            key = asyncssh.generate_private_key("ssh-ed25519")
            key.write_private_key(self._folder / name)
            (self._folder / name).chmod(0o600)
            key.write_public_key(self._folder / f"{name}.pub")
        asked = self.asked

        class Gate(asyncssh.SSHServer):
            def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
                self._conn = conn

            def connection_requested(self, host: str, port: int, *_: object) -> bool:
                asked.append((self._conn.get_extra_info("username"), port))
                return True

        keys = self._folder / "authorized"
        authority = (self._folder / "authority.pub").read_text()
        keys.write_text(f"{(self._folder / 'user.pub').read_text()}cert-authority {authority}")
        self._server = await asyncssh.listen(
            HERE,
            0,
            server_factory=Gate,
            server_host_keys=[self._folder / "host"],
            authorized_client_keys=str(keys),
        )
        port = self._server.get_port()
        known = self._folder / "known"
        known.write_text(f"[{HERE}]:{port} {(self._folder / 'host.pub').read_text()}")
        key = KeyFile(self._folder / "user")
        self.hosts, self.known_hosts = [f"{HERE}:{port}"], str(known)
        self.transport = SSHTransport(self.hosts, self.known_hosts, key, "agent")

    def site(self) -> Site:
        """Configured to come with certificates."""
        sign = (sys.executable, "-m", "hpcbinderhub.slurm.signing", "--force-command=agent")
        key = f"--authority-key={self._folder / 'authority'}"
        return Site(
            login_hosts=self.hosts,
            known_hosts=self.known_hosts,
            certificate_command=[
                *sign,
                key,
                "--permit-port-forwarding",
                "--source-addresses=::1,127.0.0.1",
            ],
            agent_command="agent",
            hop="login",
        )

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
        asyncio.timeout(120),
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


async def test_the_process_has_certificates_of_its_own_and_the_connection_outlives_the_hub(
    login: Login, tmp_path: Path
) -> None:
    keys, folder = HopKeys.new(), Folder(tmp_path / "hop")
    process = asyncio.create_task(Forwarders().serve(folder))
    async with (
        listening(echo, server_context(keys.for_the_server(), tmp_path)) as server,
        asyncio.timeout(120),
    ):
        hub = Keeper(folder, starts=False)
        port = await hub.open(
            Open(
                name=Name("ada", "lab"),
                target=Target("ada", HERE, server.port),
                keys=keys,
                access=SSHAccess.of(login.site()),
                proxy=None,
                address=HERE,
            )
        )
        reader, writer = await asyncio.open_connection(HERE, port)
        for words in (b"with a hub", b"without a hub"):
            writer.write(words)
            assert await reader.readexactly(len(words)) == words
            await hub.leave()
        writer.close()
    process.cancel()
    await asyncio.wait([process])
    assert login.asked == [("ada", server.port)]


async def test_a_site_says_which_way_its_nodes_are_reached(login: Login) -> None:
    assert isinstance(route_of(Site(), login.transport), Direct)
    assert isinstance(route_of(Site(hop="login"), login.transport), ThroughLogin)
    here = LocalTransport(["as-user"])
    assert isinstance(route_of(Site(hop="login", transport="local"), here), Direct)
