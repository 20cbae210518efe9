"""The service under test: the real application over the real library, in a thread of its own.

Two parts cannot be had without a cluster and a builder. Who a user is, `Members` says as the agent
on a login node would; what it is asked about storage, the agent itself answers, on this host.
Builds are made by `Builder`, which holds a worker's side of the queue and writes artefacts of a few
bytes.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from hpcbinderhub.services.binder.app import make_server, stop
from hpcbinderhub.services.binder.services import Services, assemble

from hpcbinderhub.builds.records import Build, LeaseLost
from hpcbinderhub.errors import Unavailable
from hpcbinderhub.images.bills.model import Bill
from hpcbinderhub.images.store import artefact_file, make_folder
from hpcbinderhub.site import Site
from hpcbinderhub.slurm.cluster import Cluster
from hpcbinderhub.slurm.framing import AgentError

from .agent_here import AgentHere
from .hub import RunningHub

T = TypeVar("T")
WORKER = "tests"
HEARTBEAT_SECONDS = 0.5
UIDS = {"alice": 2001, "bob": 2002, "carol": 2003}
ANYBODY = 2100


class Members:
    """Answers `whoami`; everybody may charge `geo`, and no job is taken. Repositories and
    workspaces on storage are the agent's, as whoever runs the tests; so is what Slurm's commands
    say, which a test may put into the site's `slurm_path`."""

    silent = False
    """Whether nobody answers."""

    def __init__(self) -> None:
        self.read_as: list[str] = []
        self.asked: list[tuple[str, str]] = []

    async def call(
        self, user: str, request: dict[str, Any], data: BinaryIO | None = None
    ) -> dict[str, Any]:
        """See `hpcbinderhub.slurm.transport.Transport`."""
        if self.silent:
            raise Unavailable("No login node could be used.")
        if request["op"] in ("workspaces", "delete-workspace"):
            return await AgentHere().call(user, request)
        if request["op"] in ("availability", "forecast"):
            self.asked.append((user, request["op"]))
            return await AgentHere().call(user, request)
        if request["op"].startswith("repository-"):
            self.read_as.append(user)
            return await AgentHere().call(user, request, data)
        if request["op"] == "tail":
            return {"text": ""}
        if request["op"] == "submit":
            raise AgentError("missing", "sbatch is not here")
        assert request["op"] == "whoami", request
        association = {"account": "geo", "partition": "", "qos": "normal", "default_qos": "normal"}
        return {
            "user": user,
            "uid": UIDS.get(user, ANYBODY),
            "home": f"/home/{user}",
            "associations": [association],
            "default_account": "geo",
        }


class Builder:
    """Builds whatever is queued, as `plan` says, unless it is held."""

    def __init__(self, services: Services):
        self._services = services
        self.lines = [("fetching", "Getting the files."), ("building", "Collecting numpy")]
        self.failure: dict[str, Any] | None = None
        self.bill: Bill | None = None
        self.free = asyncio.Event()
        self.free.set()

    async def run(self) -> None:
        """Until cancelled."""
        queue = self._services.queue
        while True:
            build = await queue.wait_and_claim(WORKER, 5)
            if build:
                self._services.workers.saw(WORKER)
                # As a worker does: what is not its own any more, it drops.
                with suppress(LeaseLost):
                    await self._make(build)

    async def _make(self, build: Build) -> None:
        queue = self._services.queue
        for phase, message in self.lines:
            await queue.report(build.id, WORKER, [(phase, message, {})])
        while not self.free.is_set():
            await queue.heartbeat(build.id, WORKER)
            with suppress(TimeoutError):
                async with asyncio.timeout(HEARTBEAT_SECONDS):
                    await self.free.wait()
        if self.failure:
            await queue.fail(build.id, WORKER, self.failure)
            return
        await queue.report(build.id, WORKER, [("converting", "Making the image.", {})])
        store, reader = self._services.site.artefacts, build.reader_uid
        await asyncio.to_thread(make_folder, store, reader)
        artefact = Path(artefact_file(store, build.key, reader))
        await asyncio.to_thread(artefact.write_bytes, b"squash")
        await queue.finish(build.id, WORKER, build.key, 6, self.bill)


class RunningService:
    """One service at the place that the hub keeps for it."""

    def __init__(self, hub: RunningHub, site: Site):
        self.hub = hub
        self.site = site
        self.url = f"{hub.url}/services/binder"
        self.direct_url = f"http://127.0.0.1:{hub.service_port}"
        self.members = Members()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._main()), daemon=True)

    def start(self) -> None:
        """Until it listens."""
        self._thread.start()
        assert self._ready.wait(90)

    def stop(self) -> None:
        """Close everything."""
        self._loop.call_soon_threadsafe(self._stopped.set)
        self._thread.join(90)
        assert not self._thread.is_alive()

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Run something in the service's own event loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(90)

    def tell(self, function: Callable[[], Any]) -> None:
        """Call something in the service's own event loop."""
        self._loop.call_soon_threadsafe(function)

    async def hold_builder(self) -> None:
        """Let nothing be built from now on."""
        self._building.cancel()
        await asyncio.gather(self._building, return_exceptions=True)

    async def _main(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopped = asyncio.Event()
        environment = self.hub.service_environment()
        self.services = services = assemble(
            self.site,
            environment["JUPYTERHUB_API_URL"],
            environment["JUPYTERHUB_API_TOKEN"],
            Cluster(self.members, self.site),
        )
        self.builder = Builder(services)
        self._building = asyncio.create_task(self.builder.run())
        server = make_server(services)
        server.listen(self.hub.service_port, "127.0.0.1")
        await services.conductor.resume()
        services.upkeep.start()
        services.crews.start()
        self._ready.set()
        await self._stopped.wait()
        await self.hold_builder()
        await stop(server, services)
