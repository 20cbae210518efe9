"""`Workers` in a kernel of a server that was launched, as a scientist has them."""

from __future__ import annotations

import json
import math
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any

from tests.cluster.lab import Kernel, Lab
from tests.cluster.person import Person
from tests.cluster.rig import Rig

from .measure import NODES, Times
from .site import MEMORY_MB, PROFILE

FIRST = """
import json, time
from distributed.versions import get_versions
from hpcbinder.workers import Workers

class Timed(Workers):
    submitted = 0.0

    def _learn(self, crew, silent=""):
        super()._learn(crew, silent)
        if not self.submitted and any(node.state != "submitting" for node in crew.nodes):
            self.submitted = time.time()

packages = get_versions()["packages"]
del packages["python"]
print(json.dumps([f"{name}=={version}" for name, version in packages.items() if version]))
"""

START = """
began = time.time()
workers = Timed({workers}, profile="{profile}", cpus={cpus}, memory={memory}, minutes=30)
workers.wait()
connected = time.time()
assert workers.security.require_encryption
print(json.dumps([workers.submitted - began, connected - began, workers.crew.submissions]))
"""

PREPARE = """
workers = Workers(1, profile="{profile}", cpus=1, memory={memory}, minutes=5)
workers.wait()
workers.close()
"""

CLOSE = "workers.close()"


class Notebook:
    """One server and one kernel, for all sizes."""

    job: str
    """The server's."""
    packages: list[str]
    """Dask and what it imports where that is there, as the image has them."""

    def __init__(self, person: Person, rig: Rig) -> None:
        self._person = person
        self._rig = rig
        self._stack = AsyncExitStack()
        self._kernel: Kernel

    async def __aenter__(self) -> Notebook:
        last = self._person.follow(self._person.launch("http://git/quickstart.git"))
        assert last["phase"] == "ready", last
        (self.job,) = self._rig.jobs(self._person.name)
        lab = Lab(self._person, last["url"])
        self._kernel = await self._stack.enter_async_context(lab.kernel())
        self.packages = await self._answer(FIRST)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._stack.aclose()

    async def prepare(self) -> None:
        """The service has a connection to the login node as the user, which it closes when that was
        of no use for two minutes."""
        await self._kernel.run(PREPARE.format(profile=PROFILE, memory=MEMORY_MB))

    async def start(self, workers: int) -> Times:
        """On all nodes alike."""
        cpus = math.ceil(workers / len(NODES))
        code = START.format(workers=workers, profile=PROFILE, cpus=cpus, memory=cpus * MEMORY_MB)
        submitted, connected, submissions = await self._answer(code)
        return Times(submitted, connected, submissions, workers)

    async def close(self) -> None:
        """The cell has come back."""
        await self._kernel.run(CLOSE)

    async def _answer(self, code: str) -> Any:
        """Its last line; before it may be what `Workers` has to say."""
        printed = await self._kernel.run(code)
        return json.loads(printed.splitlines()[-1])
