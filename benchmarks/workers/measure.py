"""One start of workers and its end, and what Slurm and the nodes counted meanwhile."""

from __future__ import annotations

import asyncio
import os
import re
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

from tests.cluster.rig import Rig, eventually

NODES = ("c1", "c2", "c3")
IDLE_SECONDS = 5.0
LEFT_SECONDS = 2.0
GONE_SECONDS = 120

# What arrives at the controller by itself, and what `sdiag` and its reset are to it.
NOBODYS = ("MESSAGE_NODE_REGISTRATION_STATUS", "REQUEST_PING", "REQUEST_STATS_INFO")
WATCHER = "hpcwatch"
BY_TYPE = re.compile(r"^\s*([A-Z_]+)\s+\(\s*\d+\)\s+count:(\d+)", re.MULTILINE)
BY_USER = re.compile(r"^\s*(\w+)\s+\(\s*\d+\)\s+count:(\d+)", re.MULTILINE)

# All of a node, and of it what the notebook's own server had.
USED = """
cat /sys/fs/cgroup/cpuacct/cpuacct.usage
cat /sys/fs/cgroup/cpuacct/slurm_*/uid_*/"job_$1"/cpuacct.usage 2> /dev/null || echo 0
"""


@dataclass(frozen=True)
class Times:
    """By the clock of whoever asked for the workers, in seconds since the call."""

    submitted: float
    """The last of them had its job's id."""
    connected: float
    """The scheduler had all of them, or the time for that was over."""
    submissions: int
    workers: int
    """How many it had then."""


@dataclass(frozen=True)
class Run:
    """One start and its end."""

    times: Times
    cpu: float
    """Seconds on all nodes, from the call until all were connected."""
    rpcs: int
    left: int
    """The user's processes on all nodes that were there two seconds after the end was asked for."""
    load: float
    """Of the machine, when all were connected."""

    def __str__(self) -> str:
        return (
            f"{self.times.submissions} submissions in {self.times.submitted:.2f} s, "
            f"{self.times.workers} connected after {self.times.connected:.2f} s, "
            f"{self.cpu:.2f} s of CPU, {self.rpcs} RPCs, "
            f"{self.left} processes left; load {self.load:.1f}"
        )


class Way(Protocol):
    """Something that starts workers, one set at a time."""

    async def prepare(self) -> None:
        """Whoever asks for workers has logged in to the cluster before."""

    async def start(self, workers: int) -> Times:
        """All of them connected, if that can be had in reasonable time."""

    async def close(self) -> None:
        """They are told to end, and whoever told them has come back."""


async def measure(way: Way, counters: Counters, workers: int) -> Run:
    """Start, count, end, count."""
    await way.prepare()
    counters.wait_until_gone()
    idle = await counters.idle()
    before = counters.processes()
    counters.forget()
    began, used = time.monotonic(), counters.cpu()
    times = await way.start(workers)
    used, load = counters.cpu() - used, os.getloadavg()[0]
    used -= idle * (time.monotonic() - began)
    closing = time.monotonic()
    await way.close()
    await asyncio.sleep(closing + LEFT_SECONDS - time.monotonic())
    left = counters.processes() - before
    return Run(times, used, counters.rpcs(), len(left), load)


class Counters:
    """What the nodes and the controller say."""

    def __init__(self, rig: Rig, server: str) -> None:
        self._rig = rig
        self._server = server
        """The job of the server whose notebook asks for ours: the peer's asks from a login node."""

    async def idle(self) -> float:
        """Seconds of CPU a second when nothing is asked for."""
        began, used = time.monotonic(), self.cpu()
        await asyncio.sleep(IDLE_SECONDS)
        return (self.cpu() - used) / (time.monotonic() - began)

    def cpu(self) -> float:
        """Seconds of all nodes so far, without the server's own."""
        command = ("bash", "-c", USED, "used", self._server)
        return sum(
            (int(whole) - int(server)) / 1e9
            for whole, server in (said.split() for said in self._on_each(*command))
        )

    def processes(self) -> set[tuple[str, str]]:
        """Node and id of all processes of users but those of the server."""
        found = set()
        listed = self._on_each("ps", "-ww", "-eo", "uid=,pid=,cgroup=")
        for node, rows in zip(NODES, listed, strict=True):
            for row in rows.splitlines():
                uid, process, *cgroup = row.split(maxsplit=2)
                if int(uid) >= 1000 and f"/job_{self._server}/" not in "".join(cgroup):
                    found.add((node, process))
        return found

    def forget(self) -> None:
        """Count the controller's RPCs from now on."""
        self._rig.slurm("sdiag", "--reset")

    def rpcs(self) -> int:
        """How many it got, when Slurm has nothing more to say of what was started."""
        self.wait_until_gone()
        # A node's last word comes when the last of its processes has gone.
        time.sleep(LEFT_SECONDS)
        return rpcs_in(self._rig.slurm("sdiag"))

    def wait_until_gone(self) -> None:
        """Until no node has anything of a job but the server's."""
        eventually(lambda: not self._ending(), GONE_SECONDS, "all jobs but the server's are gone")

    def _ending(self) -> bool:
        """Jobs whose steps a node still has; to ask the controller would be counted."""
        steps = "".join(self._on_each("pgrep", "-af", "^slurmstepd: ", check=False)).splitlines()
        return any(f"[{self._server}." not in step for step in steps)

    def _on_each(self, *command: str, check: bool = True) -> list[str]:
        with ThreadPoolExecutor(len(NODES)) as pool:
            done = pool.map(lambda node: self._rig.cluster.run(node, *command, check=check), NODES)
            return [one.stdout for one in done]


def rpcs_in(said: str) -> int:
    """What `sdiag` counted, without what comes by itself and what the hub's watcher asks."""
    types, _, users = said.partition("statistics by user")
    counted = dict(BY_TYPE.findall(types.partition("statistics by message type")[2]))
    own = sum(int(counted.get(name, 0)) for name in NOBODYS)
    watched = int(dict(BY_USER.findall(users)).get(WATCHER, 0))
    return sum(map(int, counted.values())) - own - watched
