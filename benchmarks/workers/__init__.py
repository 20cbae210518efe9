"""Dask workers from a notebook, against dask-jobqueue at its defaults and at its leanest.

All three start the same number of workers on the same three nodes, turn by turn: ours from a
kernel of a server that was launched, through the service and with TLS; dask-jobqueue's from a
Python on the login node, with the same versions of Dask and of what Dask imports where it is there
(numpy, for one), in a virtual environment that all nodes see.
"""

from __future__ import annotations

import asyncio
import os
from collections import defaultdict
from typing import Any

from tests.cluster.cluster import Cluster
from tests.cluster.person import Person
from tests.cluster.rig import Rig

from .measure import NODES, Counters, Run, Way, measure
from .ours import Notebook
from .peer import JobQueue, installed
from .report import report
from .site import roomy

SIZES = (16, 40, 120)
ROUNDS = 2


def run(sizes: tuple[int, ...] = SIZES, rounds: int = ROUNDS) -> dict[str, Any]:
    """Measure, print the tables, return the figures."""
    site = os.environ.get("HPCBINDERHUB_SITE")
    project = f"hpcbinderhub-test-{site}" if site else "hpcbinderhub-test"
    cluster = Cluster(project, int(os.environ.get("HPCBINDERHUB_PORT", "8001")))
    cluster.up()
    rig = Rig(cluster)
    rig.wait_until_builds_are_taken()
    with roomy(rig):
        return asyncio.run(take_turns(rig, sizes, rounds))


async def take_turns(rig: Rig, sizes: tuple[int, ...], rounds: int) -> dict[str, Any]:
    """Each size, each way of starting workers, and all of that again."""
    async with Notebook(Person("alice", rig.url), rig) as notebook:
        python = installed(rig.cluster, notebook.packages)
        ways: dict[str, Way] = {
            "lean": JobQueue(rig.cluster, python, lean=True),
            "default": JobQueue(rig.cluster, python, lean=False),
            "ours": notebook,
        }
        counters = Counters(rig, notebook.job)
        for way in ways.values():
            # Connections are made, and file caches are warm.
            await measure(way, counters, len(NODES))
        runs: dict[tuple[str, int], list[Run]] = defaultdict(list)
        for number in range(rounds):
            for size in sizes:
                # Whoever came first in one round comes last in the next.
                for name in list(ways)[:: -1 if number % 2 else 1]:
                    made = await measure(ways[name], counters, size)
                    runs[name, size].append(made)
                    print(f"{name:8} {size:4} workers: {made}", flush=True)
        return report(runs, sizes)
