"""A login node: a real SSH server in front of the agent."""

from __future__ import annotations

import asyncio
from asyncio.subprocess import PIPE
from pathlib import Path

import asyncssh
from service.agent_here import COMMAND, LOAD

AS_EVERYBODY = f"import os, pwd; pwd.getpwnam = lambda _: pwd.getpwuid(os.getuid()); {LOAD}"
"""The agent where users have one account, which is that of whoever runs the tests."""


class LoginNode:
    """An SSH server that runs one command, whatever it is asked to run."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.command = [AS_EVERYBODY if part is LOAD else part for part in COMMAND]
        self.greeting = ""
        self.forwarded: list[tuple[str, int]] = []
        """Who asked for which port. Certificates say whether they may."""
        self.logins: list[str] = []
        """Who asked for something, in a session each."""
        self.waiting: list[asyncssh.SSHServerProcess[str]] = []
        """Sessions in which nothing was asked for yet."""
        self.one_waits = asyncio.Event()
        self.asked = asyncio.Event()
        self._connections: set[asyncssh.SSHServerConnection] = set()
        self.lingers = 0.0
        """How long a session stays after its command has ended."""
        self.breaks_at = 0
        """Which request from now on is the last of its connection."""

    async def start(self) -> None:
        for name in ("authority", "host"):
            key = asyncssh.generate_private_key("ssh-ed25519")
            key.write_private_key(self.folder / name)
            (self.folder / name).chmod(0o600)
            key.write_public_key(self.folder / f"{name}.pub")
        authority = (self.folder / "authority.pub").read_text()
        (self.folder / "authorized").write_text(f"cert-authority {authority}")
        forwarded = self.forwarded

        class Gate(asyncssh.SSHServer):
            def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
                self._conn = conn

            def connection_requested(self, host: str, port: int, *_: object) -> bool:
                forwarded.append((self._conn.get_extra_info("username"), port))
                return True

        self._server = await asyncssh.listen(
            "127.0.0.1",
            0,
            server_factory=Gate,
            server_host_keys=[self.folder / "host"],
            authorized_client_keys=str(self.folder / "authorized"),
            process_factory=self._run,
        )
        self.port = self._server.get_port()
        host = (self.folder / "host.pub").read_text()
        (self.folder / "known").write_text(f"[127.0.0.1]:{self.port} {host}")

    async def stop(self) -> None:
        self._server.close()
        await self._server.wait_closed()

    def abort_connections(self) -> None:
        """As if the network had lost them."""
        for connection in self._connections:
            connection.abort()

    async def _run(self, process: asyncssh.SSHServerProcess[str]) -> None:
        self._connections.add(process.get_extra_info("connection"))
        self.waiting.append(process)
        if self.asked.is_set():
            self.one_waits.set()
        asked = (await process.stdin.read()).encode()
        self.waiting.remove(process)
        if not asked:
            return
        self.logins.append(process.get_extra_info("username"))
        self.asked.set()
        self.breaks_at -= 1
        if self.breaks_at == 0:
            process.get_extra_info("connection").abort()
            return
        agent = await asyncio.create_subprocess_exec(*self.command, stdin=PIPE, stdout=PIPE)
        out, _ = await agent.communicate(asked)
        process.stdout.write(self.greeting + out.decode())
        await asyncio.sleep(self.lingers)
        process.exit(agent.returncode or 0)
