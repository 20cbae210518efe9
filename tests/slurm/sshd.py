"""A login node as sites have it: OpenSSH's server, real accounts and their shells, the agent."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from hpcbinderhub.slurm.authorities import Authority
from hpcbinderhub.slurm.certificates import Certificates
from hpcbinderhub.slurm.packing import packed
from hpcbinderhub.slurm.signing import SigningPolicy, sign
from hpcbinderhub.slurm.transport import SSHTransport
from hpcbinderhub.slurm.transport.base import Patience

SSHD = shutil.which("sshd", path="/usr/sbin:/usr/bin")
needs_sshd = pytest.mark.skipif(SSHD is None, reason="openssh-server is not installed here")
CONFIG = """
ListenAddress 127.0.0.1
Port {port}
HostKey {folder}/{name}
TrustedUserCAKeys {folder}/authority.pub
AuthorizedKeysFile none
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
PidFile none
{more}
"""


class Signer:
    """The shipped signer, in this process."""

    def __init__(self, policy: SigningPolicy, clock: Callable[[], float] = time.time):
        self.policy = policy
        self.clock = clock
        self.signed = 0

    async def sign(self, user: str, public_key: str) -> str:
        """See `hpcbinderhub.slurm.authorities.Authority`."""
        self.signed += 1
        request = f'{{"principal": "{user}", "public_key": "{public_key}"}}'
        return await asyncio.to_thread(sign, self.policy, request, self.clock)


class Sshd:
    """One server."""

    def __init__(self, folder: Path, name: str):
        self.folder = folder
        self.name = name
        # Where it goes before it knows who is there.
        Path("/run/sshd").mkdir(exist_ok=True, mode=0o755)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.address = f"127.0.0.1:{self.port}"
        make_key(folder / name)
        self._process: asyncio.subprocess.Process | None = None

    async def start(self, *more: str) -> None:
        """Start it, with more lines in its configuration."""
        assert SSHD
        config = self.folder / f"{self.name}.conf"
        lines = "\n".join(more)
        config.write_text(
            CONFIG.format(port=self.port, folder=self.folder, name=self.name, more=lines)
        )
        log = (self.folder / f"{self.name}.log").open("wb")
        self._process = await asyncio.create_subprocess_exec(
            SSHD, "-D", "-e", "-f", str(config), stderr=log
        )
        limit = time.monotonic() + 60
        while time.monotonic() < limit:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", self.port)
            except OSError:
                assert self._process.returncode is None, self.log
                await asyncio.sleep(0.05)
            else:
                writer.close()
                return
        raise AssertionError(self.log)

    async def stop(self) -> None:
        """Stop it, and all that its connections run."""
        if self._process and self._process.returncode is None:
            self.signal_connections(signal.SIGKILL)
            self._process.kill()
            await self._process.wait()

    def signal_connections(self, number: signal.Signals) -> None:
        """To the processes that serve connections."""
        for child in self._children():
            # One ends with another.
            with suppress(ProcessLookupError):
                os.kill(child, number)

    def _children(self) -> list[int]:
        """Its own, and theirs as far as they are sshd's too: one per connection is the user's."""
        assert self._process
        found, parents = [], [self._process.pid]
        while parents:
            parent = parents.pop()
            # Any of them may end meanwhile.
            with suppress(FileNotFoundError, ProcessLookupError):
                for child in Path(f"/proc/{parent}/task/{parent}/children").read_text().split():
                    if Path(f"/proc/{child}/comm").read_text().strip() == "sshd":
                        found.append(int(child))
                        parents.append(int(child))
        return found

    @property
    def log(self) -> str:
        """What it said."""
        return (self.folder / f"{self.name}.log").read_text(errors="replace")

    @property
    def known(self) -> str:
        """Its line in a file of known hosts."""
        return f"[127.0.0.1]:{self.port} {(self.folder / f'{self.name}.pub').read_text()}"


class Site:
    """Login nodes of one site, the authority that they trust, and the agent on them."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.agent = folder / "agent"
        self.agent.write_bytes(packed())
        self.agent.chmod(0o755)
        make_key(folder / "authority")
        policy = SigningPolicy(folder / "authority", str(self.agent), "127.0.0.1")
        self.signer = Signer(policy)
        self.nodes: list[Sshd] = []
        self._transports: list[SSHTransport] = []

    async def node(self, *config: str, start: bool = True) -> Sshd:
        """One more login node, whose key is known."""
        node = Sshd(self.folder, f"login{len(self.nodes) + 1}")
        self.nodes.append(node)
        with (self.folder / "known").open("a") as known:
            known.write(node.known)
        if start:
            await node.start(*config)
        return node

    def transport(
        self,
        patience: Patience | None = None,
        authority: Authority | None = None,
        *,
        forwarding: bool = False,
    ) -> SSHTransport:
        """The hub's way to them, on which connections may be forwarded if `forwarding`."""
        certificates = Certificates(
            authority or self.signer, str(self.agent), forwarding=forwarding
        )
        made = SSHTransport(
            [node.address for node in self.nodes],
            str(self.folder / "known"),
            certificates,
            str(self.agent),
            patience,
        )
        self._transports.append(made)
        return made

    async def close(self) -> None:
        """Stop everything."""
        for transport in self._transports:
            await transport.close()
        for node in self.nodes:
            await node.stop()


def make_key(path: Path) -> None:
    """A key pair, as files."""
    path.unlink(missing_ok=True)
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)]
    subprocess.run(command, check=True)
