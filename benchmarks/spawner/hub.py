"""One hub's process: JupyterHub's own users and polling, with one spawner class."""

from __future__ import annotations

import asyncio
import json
import math
import os
import random
import resource
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from .classes import Server, ours, theirs

ROOT = Path(__file__).parents[2]
LOAD = (
    "import sys; sys.path.append(sys.argv.pop(1)); from benchmarks.spawner.hub import main; main()"
)
SAMPLE_SECONDS = 0.25
FIRST_SECONDS = 90


@dataclass(frozen=True)
class Task:
    """What one process is to do."""

    kind: str
    jobs: dict[str, str]
    """By user."""
    path: list[str]
    environment: dict[str, str]
    seconds: float
    every: float
    """Seconds between two polls of a server; 0 for what the class polls at by itself."""


@dataclass(frozen=True)
class Measured:
    """What it took."""

    own_cpu: float
    """Seconds of CPU per minute, of the process itself."""
    childrens_cpu: float
    """And of everything that it started."""
    age_p99: float
    rpcs_per_min: float = 0.0

    @property
    def cpu(self) -> float:
        """Of both."""
        return self.own_cpu + self.childrens_cpu


def watched(task: Task, queries: Callable[[], int]) -> Measured:
    """Have a process do it, and count meanwhile."""
    command = [sys.executable, "-c", LOAD, str(ROOT)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd="/"
    ) as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write(json.dumps(asdict(task)).encode())
        process.stdin.close()
        process.stdout.readline()
        asked, began = queries(), time.monotonic()
        line = process.stdout.readline()
        rpcs_per_min = (queries() - asked) * 60 / (time.monotonic() - began)
    return replace(Measured(**json.loads(line)), rpcs_per_min=rpcs_per_min)


def main() -> None:
    """Says when it begins to count, and what it has counted."""
    asyncio.run(tell(Task(**json.load(sys.stdin))))


async def tell(task: Task) -> None:
    """And ends the process at once: batchspawner's commands are not to be cancelled, and whoever
    closes their event loop would wait for them for ever."""
    status = 1
    try:
        print(json.dumps(asdict(await measure(task))), flush=True)
        status = 0
    except Exception:
        traceback.print_exc()
    os._exit(status)


async def measure(task: Task) -> Measured:
    """Poll for so long, the time before the first states not counted."""
    make = ours if task.kind == "ours" else theirs
    servers = await make(task.jobs, task.path, task.environment)
    try:
        await begin(servers, task.every)
        print("begins", flush=True)
        before, began = cpu(), time.monotonic()
        ages = []
        while time.monotonic() < began + task.seconds:
            ages.append(random.choice(servers).age())
            await asyncio.sleep(SAMPLE_SECONDS)
        minutes = (time.monotonic() - began) / 60
        own, childrens = ((now - then) / minutes for now, then in zip(cpu(), before, strict=True))
    finally:
        for server in servers:
            server.spawner.stop_polling()
    return Measured(own, childrens, sorted(ages)[int(len(ages) * 0.99)])


async def begin(servers: list[Server], every: float) -> None:
    """Until each has a state. Polls begin one after the other, as users come; else all would be
    polled at the same moment."""
    began = time.monotonic()
    for number, server in enumerate(servers):
        if every:
            # Whole seconds, and not more often than was said.
            server.spawner.poll_interval = math.ceil(every)
        due = began + number * server.spawner.poll_interval / len(servers)
        await asyncio.sleep(due - time.monotonic())
        server.spawner.start_polling()
    limit = time.monotonic() + FIRST_SECONDS
    while unknown := [server for server in servers if server.age() == float("inf")]:
        assert time.monotonic() < limit, f"nothing is known of {len(unknown)} servers"
        await asyncio.sleep(SAMPLE_SECONDS)


def cpu() -> tuple[float, float]:
    """Seconds of CPU: of this process, and of those that it has started and that are over."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    own, childrens = (one.ru_utime + one.ru_stime for one in used)
    return own, childrens
