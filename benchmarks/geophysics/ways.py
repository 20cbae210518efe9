"""The ways, in the example's own environment: `python ways.py TASK`, both as JSON.

Ours are what the example's notebook has on the hub: its own choice of workers, which asks a service
for them, a scheduler in a process of its own with TLS, and the launcher of a node that forks them;
and what it does with them, to the file. The service and the nodes are the tests', on this machine.
A pool is Python's own and does nothing but invert.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

import soundings
from dask.distributed import Client
from distributed.security import Security
from doubles.crews_service import CrewsService
from doubles.worker_node import ProcessNodes
from soundings import Sounding

Way = Callable[[Sequence[Sounding]], object]
# A machine that does much else lets a scheduler wait.
LOST_CONTACT_SECONDS = 300


def main() -> None:
    """One line for each round."""
    task = json.loads(sys.argv[1])
    data = soundings.survey(task["soundings"])
    told = sys.stdout
    with ExitStack() as stack:
        # Workers that stand beside others say so.
        stack.enter_context(redirect_stdout(sys.stderr))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        stack.enter_context(service(task["cores"], folder))
        ways: dict[str, Way] = {}
        for count in (1, task["cores"]):
            ways[f"ours_{count}"] = stack.enter_context(ours(count, data[0], folder / "models.h5"))
            ways[f"pool_{count}"] = stack.enter_context(pool(count, data[0]))
        for number in range(task["rounds"]):
            # From all over the line: some take more steps than others.
            block = data[number :: task["rounds"]]
            # Whoever came first in one round comes last in the next.
            order = list(ways)[:: -1 if number % 2 else 1]
            taken = {name: seconds(ways[name], block) for name in order}
            print(json.dumps({name: taken[name] for name in ways}), file=told, flush=True)


def seconds(way: Way, block: Sequence[Sounding]) -> float:
    """What it takes to invert them all."""
    begun = time.perf_counter()
    way(block)
    return time.perf_counter() - begun


@contextmanager
def service(cores: int, folder: Path) -> Iterator[None]:
    """Whom `Workers` asks, in this process's environment; a node has as many workers as cores."""
    made = Security.temporary()
    nodes = ProcessNodes(lost_contact_seconds=LOST_CONTACT_SECONDS)
    crews = CrewsService({"certificate": made.tls_client_cert, "key": made.tls_client_key}, nodes)
    crews.per_node = cores
    os.environ |= {**crews.environment, "HPCBINDER_WORKERS_FOLDER": str(folder)}
    try:
        yield
    finally:
        nodes.end_all()
        crews.end()


@contextmanager
def ours(count: int, first: Sounding, path: Path) -> Iterator[Way]:
    """Workers that have imported everything."""
    with soundings.workers_for(count, elsewhere=True) as cluster, Client(cluster) as client:
        assert cluster.scheduler_address.startswith("tls://")
        client.gather(
            [
                client.submit(soundings.solve, first, workers=[worker], pure=False)
                for worker in client.nthreads()
            ]
        )
        yield lambda block: soundings.run(client, path, block)


@contextmanager
def pool(count: int, first: Sounding) -> Iterator[Way]:
    """Processes that have imported everything."""
    # This process has threads, so that no copy of it would be safe.
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(count + 1)
    with context.Pool(count, begin, (barrier, first)) as processes:
        barrier.wait()
        yield lambda block: list(processes.imap_unordered(soundings.solve, block))


def begin(barrier: Any, first: Sounding) -> None:
    """In each process of a pool."""
    soundings.solve(first)
    barrier.wait()


if __name__ == "__main__":
    main()
