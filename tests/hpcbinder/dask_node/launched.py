"""A real scheduler, and launchers with real workers on this machine."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from distributed import Client, Scheduler
from distributed.security import Security

ELSEWHERE = """
import asyncio, json, sys
from distributed import Scheduler
from distributed.security import Security

async def main():
    security = Security(require_encryption=True, **json.loads(sys.stdin.readline()))
    options = dict(dashboard=False, dashboard_address="127.0.0.1:0", port=0)
    async with Scheduler(protocol="tls", host="127.0.0.1", security=security, **options) as found:
        print(found.address, flush=True)
        await found.finished()

asyncio.run(main())
"""


class SchedulerElsewhere:
    """A scheduler in a process of its own."""

    def __init__(self, security: Security) -> None:
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(
            [sys.executable, "-c", ELSEWHERE], stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL
        )
        names = ("tls_ca_file", "tls_scheduler_cert", "tls_scheduler_key")
        told = json.dumps({name: getattr(security, name) for name in names})
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(told.encode() + b"\n")
        self.process.stdin.flush()
        self.address = self.process.stdout.readline().decode().strip()


class Launcher:
    """One node, as the direct way of starting it has it: orders over standard input."""

    def __init__(
        self, crew: Crew, node: str, grant: dict[str, Any], orders: dict[str, Any]
    ) -> None:
        self.crew = crew
        self.node = node
        self.scratch = crew.root / f"scratch-{node}"
        self.scratch.mkdir()
        self.log_file = crew.root / f"{node}.log"
        self.grant = {
            "env": {},
            "workspace": str(crew.root),
            "home": str(crew.root / "home"),
            "scheduler": crew.address,
            "tls": {"certificate": crew.security.tls_ca_file, "key": crew.security.tls_worker_key},
            "node": node,
            "workers": 2,
            "threads": 1,
            "memory_mb": 0,
            "gpus": 0,
            "left": None,
            "warn_seconds": 60,
            "lost_contact_seconds": 60,
            **grant,
        }
        self.orders = orders
        self.process: subprocess.Popen[bytes] | None = None

    def begin(self) -> None:
        environment = {**os.environ, "TMPDIR": str(self.scratch)}
        with self.log_file.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "hpcbinder.node", "--grant", "0"],
                cwd=self.scratch,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
            )
        assert self.process.stdin is not None
        with self.process.stdin as pipe:
            pipe.write(json.dumps({"grant": self.grant, **self.orders}).encode())

    @property
    def log(self) -> str:
        return self.log_file.read_text() if self.log_file.exists() else ""

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    async def ended(self, seconds: float = 120) -> int:
        """The exit code, once there is one."""
        assert self.process is not None
        await until(lambda: self.process.poll() is not None, seconds, lambda: self.log)
        return self.process.returncode


class Crew:
    """A scheduler with TLS, and the nodes that work for it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.security = Security.temporary()
        self.address = ""
        self.scheduler: Scheduler
        self.client: Client
        self.launchers: list[Launcher] = []

    async def node(
        self, node: str = "123_4", orders: dict[str, Any] | None = None, **grant: Any
    ) -> Launcher:
        """A node all of whose workers are connected."""
        launcher = self.prepared(node, orders, **grant)
        launcher.begin()
        names = {f"{node}-{index}" for index in range(launcher.grant["workers"])}
        await until(lambda: names <= set(self.workers()), 120, lambda: launcher.log)
        return launcher

    def prepared(
        self, node: str = "123_4", orders: dict[str, Any] | None = None, **grant: Any
    ) -> Launcher:
        """A node that has not begun."""
        launcher = Launcher(self, node, grant, orders or {})
        self.launchers.append(launcher)
        return launcher

    def workers(self) -> dict[str, int]:
        """The process of each worker that the scheduler knows."""
        return {state.name: state.pid for state in self.scheduler.workers.values()}


@asynccontextmanager
async def crew(root: Path) -> AsyncIterator[Crew]:
    found = Crew(root)
    options = {"dashboard": False, "dashboard_address": "127.0.0.1:0", "port": 0}
    async with Scheduler(
        protocol="tls", host="127.0.0.1", security=found.security, **options
    ) as found.scheduler:
        found.address = found.scheduler.address
        async with Client(found.address, security=found.security, asynchronous=True) as client:
            found.client = client
            try:
                yield found
            finally:
                for launcher in found.launchers:
                    if launcher.process is not None and launcher.process.poll() is None:
                        launcher.process.kill()
                        launcher.process.wait()


async def until(
    condition: Callable[[], object],
    seconds: float = 120,
    explain: Callable[[], object] = lambda: "",
) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain: {explain()}"
        await asyncio.sleep(0.02)


def alive(process: int) -> bool:
    """Whether a process runs, dead ones that nobody has reaped aside."""
    try:
        stat = Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"
