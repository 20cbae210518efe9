"""Spawners of a real JupyterHub `User` in a real database; the cluster alone is made up.

`rig.start("alice")` is a start as JupyterHub makes it; `rig.slurm` moves the job that comes of it;
`rig.restart()` is a hub that was killed and comes back to the same database.
"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any, cast

from doubles.slurm_in_memory import CLAIMANT, SlurmInMemory
from hop.node import server_context
from hpcbinderhub.spawners import ImageBatchSpawner, ProfileSpawner
from hpcbinderhub.spawners.facility import _facilities, facility_of
from jupyterhub import orm, roles
from jupyterhub.objects import Hub
from jupyterhub.user import UserDict
from sqlalchemy.orm import Session
from traitlets.config import Config

from hpcbinderhub.hop.folder import Folder
from hpcbinderhub.hop.process import Forwarders
from hpcbinderhub.hop.routes import Tunnels
from hpcbinderhub.site import Site
from hpcbinderhub.slurm.cluster import Cluster

WATCH_SECONDS = 0.02
SECONDS = 120.0
"""For what happens at once, unless the machine is busy."""

PROFILE = {"name": "small", "title": "Small", "partition": "interactive"}


class Clock:
    """Time that goes on by itself, and jumps when the test says so."""

    def __init__(self) -> None:
        self._ahead = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self._ahead

    def wall(self) -> float:
        """The time of day."""
        return time.time() + self._ahead

    def advance(self, seconds: float) -> None:
        """Jump."""
        self._ahead += seconds


class Node:
    """A compute node's address where servers answer, as JupyterHub looks for them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._servers: list[asyncio.Server] = []

    async def serve(self, part: dict[str, str]) -> int:
        """A server with the keys of one launch; its port."""
        context = server_context(part, self.folder)
        server = await asyncio.start_server(self._answer, "127.0.0.1", 0, ssl=context)
        self._servers.append(server)
        return int(server.sockets[0].getsockname()[1])

    def close(self) -> None:
        """Nothing answers any more."""
        for server in self._servers:
            server.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if await reader.readline():
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
        writer.close()


class Rig:
    """A hub's spawners, and the cluster that they believe in."""

    def __init__(self, db: Session, node: Node, **site: Any) -> None:
        self.db = db
        self.node = node
        self.slurm = SlurmInMemory()
        self.clock = Clock()
        # The process that leads to servers outlives the hub; here, it is a task that does.
        state = {"state_dir": str(node.folder), "hop_start": False}
        forwarders = Forwarders(tunnels=lambda _: cast(Tunnels, self.slurm))
        self._forwarders = asyncio.create_task(forwarders.serve(Folder(node.folder / "hop")))
        self.settings: dict[str, Any] = {"profiles": [PROFILE], **state, **site}
        self._starts: list[asyncio.Task[None]] = []
        self._made: list[int] = []
        self._open()

    def _open(self) -> None:
        # Tests poll by themselves.
        polls = {"Spawner": {"poll_interval": 0}}
        self.config = Config({"Site": {"watch_seconds": WATCH_SECONDS, **self.settings}, **polls})
        site = Site(config=self.config)
        self.cluster = Cluster(self.slurm, site)
        self.facility = facility_of(site, self.cluster, self.clock, self.clock.wall)
        _facilities[id(self.config)] = (self.config, self.facility)
        self._made.append(id(self.config))
        settings = {
            "spawner_class": ProfileSpawner,
            "config": self.config,
            "hub": Hub(),
            "allow_named_servers": True,
            "internal_ssl": False,
        }
        self.users = UserDict(lambda: self.db, settings)

    def configure(self, **site: Any) -> None:
        """Start over with these settings of `c.Site`."""
        self.settings |= site
        self._open()

    def profile(self, **values: Any) -> None:
        """Start over with these settings of the one profile."""
        self.configure(profiles=[PROFILE | values])

    def user(self, name: str) -> Any:
        """JupyterHub's object of a user, made where there is none."""
        known = self.db.query(orm.User).filter_by(name=name).one_or_none()
        if known is None:
            known = orm.User(name=name)
            self.db.add(known)
            roles.assign_default_roles(self.db, known)
            self.db.commit()
        return self.users.add(known)

    def options(self, **values: Any) -> dict[str, Any]:
        """A start request."""
        plain = {
            "launch": f"launch{len(self._starts):06d}",
            "profile": "small",
            "artefact": "ab" * 32,
            "repo_url": "https://example.org/quickstart",
            "ref": "main",
            "commit": "cd" * 20,
            "spec": "git/example/main",
            "workspace": "quickstart-abcdef",
        }
        return plain | values

    def start(self, user: str = "alice", server: str = "lab", **values: Any) -> asyncio.Task[None]:
        """Ask for a server. The task is JupyterHub's own `User.spawn`."""
        task = asyncio.create_task(self.user(user).spawn(server, options=self.options(**values)))
        self._starts.append(task)
        return task

    def spawner(self, user: str = "alice", server: str = "lab") -> ImageBatchSpawner:
        """The one that does the work for this server."""
        return cast(ImageBatchSpawner, self.user(user).spawners[server].child_spawner)

    def chooser(self, user: str = "alice", server: str = "lab") -> ProfileSpawner:
        """The one that JupyterHub knows for this server."""
        return cast(ProfileSpawner, self.user(user).spawners[server])

    def words(self, user: str = "alice", server: str = "lab") -> str:
        """What the page says of a start."""
        if server not in self.user(user).orm_spawners or not self.spawner(user, server):
            return ""
        return self.spawner(user, server)._sayings.words

    async def submitted(self, number: int = 1) -> list[str]:
        """Wait for so many jobs, and for their spawners to know; their ids."""
        await eventually(lambda: len(self.slurm.jobs) >= number)
        await self.looked()
        return self.slurm.jobs

    async def looked(self) -> None:
        """Wait until the watcher has looked again, and whoever listens to it has heard."""
        # While nobody answers, there is nothing to wait for.
        patience = 0.5 if self.slurm.down else SECONDS
        for _ in range(2):
            if self.facility.watcher.watched:
                await self.facility.watcher.fresh("", timeout=patience)
        await asyncio.sleep(0.01)

    async def answer(self, job: str, user: str = "alice", server: str = "lab") -> None:
        """What a job does once it runs: it claims, and says where it listens."""
        spawner = self.spawner(user, server)
        grant = await spawner.claim(self.slurm.ticket(job), job, CLAIMANT)
        port = await self.node.serve(grant["tls"])
        await spawner.report_ready(grant["env"]["JUPYTERHUB_API_TOKEN"], port, "")

    async def ready(self, user: str = "alice", server: str = "lab", **values: Any) -> str:
        """A server that has started; its job."""
        before = set(self.slurm.jobs)
        start = self.start(user, server, **values)
        await self.submitted(len(before) + 1)
        (job,) = set(self.slurm.jobs) - before
        self.slurm.run(job)
        await self.looked()
        await self.answer(job, user, server)
        await start
        return job

    async def restart(self, **site: Any) -> None:
        """Kill the hub, and start another one with the same database; these settings of `c.Site`
        are new."""
        await self._leave()
        self.db.expire_all()
        self.configure(**site)

    async def _leave(self) -> None:
        for task in self._starts:
            # A hub that is killed runs no handlers: its objects are left as they are.
            task.cancel()
        for name in [name for user in self.users.values() for name in user.spawners.values()]:
            name.stop_polling()
        await self.facility.hop.leave()
        await self.facility.watcher.close()

    async def close(self) -> None:
        """End what is left."""
        await self._leave()
        self._forwarders.cancel()
        await asyncio.gather(*self._starts, self._forwarders, return_exceptions=True)
        for made in self._made:
            _facilities.pop(made)


async def eventually(holds: Any, seconds: float = SECONDS) -> None:
    """Wait for something that is about to be so."""
    async with asyncio.timeout(seconds):
        while not holds():  # noqa: ASYNC110
            await asyncio.sleep(0.005)
