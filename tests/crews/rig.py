"""The service's side of crews with all of its own parts: a hub that answers over HTTP as ours does,
and a cluster in memory behind the agent's contract."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from doubles.slurm_in_memory import SlurmInMemory
from tornado import web
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port

from hpcbinderhub.credentials.keyring import add_key
from hpcbinderhub.crews.crews import Crews
from hpcbinderhub.crews.records import Crew
from hpcbinderhub.crews.requests import CrewChange, CrewRequest, NodeClaim
from hpcbinderhub.database import Database
from hpcbinderhub.events import EventLog
from hpcbinderhub.launches.admission import Admission
from hpcbinderhub.launches.hub import Hub
from hpcbinderhub.launches.jobsseen import JobsSeen, seen_as_json
from hpcbinderhub.launches.options import Existing
from hpcbinderhub.launches.records import Launch, LaunchBook, Request, State
from hpcbinderhub.site import Site
from hpcbinderhub.slurm.cluster import Cluster
from hpcbinderhub.slurm.jobs import Owned
from hpcbinderhub.store.publishing import Publishing
from hpcbinderhub.trust.consents import Consents
from hpcbinderhub.trust.grounds import Trust
from hpcbinderhub.trust.reach import Reach

ARTEFACT = "a" * 64
SCHEDULER = "tls://c9:8786"
PROFILES = [
    {"name": "small", "title": "Small", "partition": "short", "cpus": 2},
    {
        "name": "regular",
        "title": "Regular",
        "partition": "long",
        "cpus": 4,
        "max_cpus": 8,
        "memory_mb": 4096,
        "worker_nodes": 5,
        "max_minutes": 120,
    },
    {
        "name": "gpu",
        "title": "GPUs",
        "partition": "gpu",
        "gpus": 2,
        "cpus": 8,
        "worker_nodes": 4,
        "worker_form": "one_job",
        "groups": ["gpu"],
    },
    {
        "name": "theirs",
        "title": "Theirs",
        "partition": "long",
        "worker_nodes": 4,
        "images_allowed": ["https://example.org/ours/*"],
    },
    {"name": "at-once", "title": "At once", "spawner": "login", "memory_mb": 512},
]


class SmallHub:
    """What crews ask of the hub: users' servers, and how jobs are."""

    def __init__(self, cluster: Cluster):
        self.servers: dict[str, dict[str, Any]] = {}
        """Alice's, by name."""

        self.asked: list[bool] = []
        """Each question about jobs: whether it was for a fresh look."""

        self.age = 0.0
        self.silent = False
        self.away = 0
        """What it answers to everybody, if that is no answer."""

        hub = self

        class User(web.RequestHandler):
            def get(self, user: str) -> None:
                if hub.away:
                    raise web.HTTPError(hub.away)
                self.write({"name": user, "servers": hub.servers if user == "alice" else {}})

        class Jobs(web.RequestHandler):
            async def post(self) -> None:
                if hub.away:
                    raise web.HTTPError(hub.away)
                body = json.loads(self.request.body)
                hub.asked.append(body["fresh"])
                self.write(await hub.jobs(cluster, [(job, owner) for owner, job in body["jobs"]]))

        routes = [(r"/users/(.*)", User), (r"/hpcbinderhub/jobs", Jobs)]
        self._server = HTTPServer(web.Application(routes))  # type: ignore[arg-type]
        socket, port = bind_unused_port()
        self._server.add_socket(socket)
        self.url = f"http://127.0.0.1:{port}"

    async def jobs(self, cluster: Cluster, asked: list[tuple[str, str]]) -> dict[str, Any]:
        """As the watcher has them."""
        seen = {} if self.silent else await cluster.observe([Owned(*one) for one in asked])
        jobs = {one.job: job for one, job in seen.items()}
        return seen_as_json(JobsSeen(jobs, dict.fromkeys(jobs, ""), self.age, self.silent))

    def run(self, launch: Launch, **values: Any) -> None:
        """The server of this launch is there."""
        self.servers[launch.server] = {
            "ready": True,
            "pending": None,
            "user_options": {"launch": launch.id},
            **values,
        }

    def stop(self) -> None:
        """Close it."""
        self._server.stop()


class Rig:
    """Alice's running server, and what it may ask."""

    def __init__(self, tmp_path: Path, database: Database):
        (tmp_path / "artefacts").mkdir(exist_ok=True)
        (tmp_path / "artefacts" / f"{ARTEFACT}.squashfs").write_bytes(b"squash")
        if not (tmp_path / "keys").exists():
            add_key(tmp_path / "keys")
        self.site = Site(
            state_dir=str(tmp_path / "state"),
            artefacts=str(tmp_path / "artefacts"),
            public_url="https://hub.example.org/",
            watch_seconds=0.02,
            credential_keys_file=str(tmp_path / "keys"),
            profiles=PROFILES,
        )
        self.database = database
        self.slurm = SlurmInMemory()
        self.cluster = Cluster(self.slurm, self.site)
        self.hub = SmallHub(self.cluster)
        self.events = EventLog(database)
        self.book = LaunchBook(database)
        self.in_a_hurry = asyncio.Event()
        """Set while claims are to be answered at once."""

        self.in_a_hurry.set()
        self.now = 0.0
        """How far its clock is before the real one."""

        self.crews = self.service()

    def service(self) -> Crews:
        """A new one over the same records."""
        site, hub = self.site, Hub(self.hub.url, "token")
        trust = Trust(site, Consents(self.database))
        return Crews(
            site,
            self.database,
            self.events,
            self.book,
            self.cluster,
            hub,
            Admission(site, self.cluster, hub, trust),
            trust,
            Publishing(site, self.database),
            lambda: time.time() + self.now,
        )

    async def restart(self) -> None:
        """The service ends, and another one begins."""
        await self.crews.close()
        self.crews = self.service()
        self.crews.start()

    async def launch(self, **values: Any) -> Launch:
        """One whose server runs."""
        given: dict[str, Any] = {
            "user": "alice",
            "server": "lab",
            "spec": "git/x/main",
            "ref": "main",
            "repo_url": "https://example.org/x",
            "profile": "regular",
            "open": "",
            "start_when_ready": True,
            "workspace": "x",
            "existing": Existing.KEEP,
            "reach": Reach.CLOSED,
        }
        launch = await self.book.add(Request(**(given | values)), "c" * 40, ARTEFACT)
        ready = await self.book.change(launch.id, State.RESOLVING, state=State.READY)
        assert ready
        self.hub.run(ready)
        return ready

    async def ask(self, launch: Launch, **values: Any) -> Crew:
        """Workers, with a scheduler that listens."""
        request = CrewRequest(**({"name": "workers"} | values))
        crew, _ = await self.crews.ask(launch, ["gpu"], request)
        return await self.change(launch, crew, scheduler=SCHEDULER)

    async def change(self, launch: Launch, crew: Crew, **asked: Any) -> Crew:
        """More, fewer, others."""
        return await self.crews.change(launch, ["gpu"], crew.id, CrewChange(**asked))

    async def claim(self, crew: Crew, node: str, **values: Any) -> dict[str, Any]:
        """What the launcher of a node is answered."""
        job, _, task = node.partition("_")
        batch = next(batch for batch in crew.batches if batch.job == job)
        given = {"ticket": self.slurm.ticket(job), "job": job, "task": task, "claimant": "c" * 32}
        claim = NodeClaim(**(given | values))
        return await self.crews.claim(batch.id, claim, self.in_a_hurry)

    async def submitting(self) -> None:
        """Until `sbatch` has begun."""
        for _ in range(6000):
            if self.slurm.submitting:
                return
            await asyncio.sleep(0.01)
        raise AssertionError("nothing is submitted")

    async def until(self, launch: Launch, crew: Crew, **wanted: Any) -> Crew:
        """The crew, as soon as its nodes are in these states: `until(…, running=2)`."""
        after, over = 0, asyncio.Event()
        timer = asyncio.get_running_loop().call_later(60, over.set)
        try:
            while True:
                now = await self.crews.news(launch, crew.id, after, over)
                states = [str(node.state) for node in now.nodes if node.state != "ended"]
                if states == [name for name, n in wanted.items() for _ in range(n)]:
                    return now
                assert not over.is_set(), (states, wanted, now.failure)
                after = now.version
        finally:
            timer.cancel()

    async def over(self, launch: Launch, crew: Crew) -> Crew:
        """The crew, as soon as it is closed or failed."""
        end, after = asyncio.Event(), 0
        timer = asyncio.get_running_loop().call_later(60, end.set)
        while (now := await self.crews.news(launch, crew.id, after, end)).is_live:
            assert not end.is_set(), now
            after = now.version
        timer.cancel()
        return now


@asynccontextmanager
async def running(tmp_path: Path, database: Database) -> AsyncIterator[Rig]:
    """The rig, with its keeper at work."""
    rig = Rig(tmp_path, database)
    rig.crews.start()
    try:
        yield rig
    finally:
        await rig.crews.close()
        rig.hub.stop()
