"""A server of Alice's that has Dask workers, as the tests of them share it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from .faults import configured
from .lab import Kernel, Lab
from .person import Person
from .rig import Rig, eventually
from .watch import Watch

QUICKSTART = "http://git/quickstart.git"
NODES = ("c1", "c2", "c3")
# Two of these do not fit on one node, and one beside a server does.
PROFILES = """
some = dict(title="For workers", max_minutes=60, cpus=6, memory_mb=3072, worker_nodes=3)
c.Site.profiles.extend([
    some | dict(name="spread", partition="interactive"),
    some | dict(name="yielding", partition="regular"),
    some | dict(name="brief", partition="interactive", warn_seconds=45),
])
"""
LAUNCHERS_AND_WORKERS = "hpcbinder[. ]node"

# A machine that runs other tests beside these takes its time.
PATIENCE = "240s"
ASK = f"""
import json, os, socket, time
from hpcbinder import Workers
from hpcbinder.workers.errors import WorkersError

workers = Workers({{asked}})
workers.wait(timeout="{PATIENCE}")
client = workers.client()

def slow_square(number):
    time.sleep(0.5)
    return number * number
"""
ALL_SQUARES = """
print(sum(client.gather(client.map(slow_square, range({count}), pure=False))))
"""
END_ALL = """
from hpcbinder import Workers
for crew in Workers.list():
    if not crew.over:
        Workers.end(crew.name)
"""


def ask(count: int, **more: object) -> str:
    """Code of a notebook that has so many workers then, and a client."""
    options = {"profile": "spread", "threads": 3, "minutes": 30} | more
    return ASK.format(
        asked=", ".join([str(count), *(f"{name}={value!r}" for name, value in options.items())])
    )


def sum_of_squares(count: int) -> str:
    """What `ALL_SQUARES` prints."""
    return str(sum(number * number for number in range(count)))


class Server:
    """A running server of Alice's, and what its workers are to Slurm and to the nodes."""

    def __init__(self, rig: Rig, person: Person):
        self.launch = person.launch(QUICKSTART, start_when_ready=True)
        self.lab = Lab(person, Watch(person, self.launch).ready(600))
        (self.job,) = rig.jobs(person.name)
        self._rig = rig

    def node(self) -> str:
        """Where the server itself runs."""
        return self._rig.slurm("squeue", "--noheader", f"--jobs={self.job}", "--format=%B")

    def jobs(self) -> list[str]:
        """Elements that wait or run."""
        return [job for job in self._rig.jobs("alice") if job != self.job]

    def processes(self) -> list[str]:
        """Launchers and workers on all nodes."""
        found = [(node, self._rig.processes(node, LAUNCHERS_AND_WORKERS)) for node in NODES]
        return [f"{node}: {line}" for node, lines in found for line in lines]

    def nothing_is_left(self) -> None:
        eventually(lambda: not self.jobs(), 120, "no job is left")
        eventually(lambda: not self.processes(), 180, "no process is left")

    async def tidy(self) -> None:
        """What a test has left would count against the nodes of the next."""
        if self.jobs():
            await self.lab.run(END_ALL)
        self.nothing_is_left()

    @asynccontextmanager
    async def workers(self, count: int, **more: object) -> AsyncIterator[Kernel]:
        """A new kernel that has so many, and is gone afterwards."""
        async with self.lab.kernel() as kernel:
            await kernel.run(ask(count, **more))
            yield kernel
        self.nothing_is_left()


@contextmanager
def running_server(rig: Rig, person: Person) -> Iterator[Server]:
    """One for all tests of a module, under a site that gives nodes to workers."""
    rig.tidy(person.name)
    with configured(rig, PROFILES):
        yield Server(rig, person)
        rig.tidy(person.name)
