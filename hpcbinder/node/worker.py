"""One worker of a node: what a forked process does until it ends."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from pathlib import Path
from typing import Any, NamedTuple

import dask
import distributed.worker
from distributed.core import Status

from .board import Board
from .ends import End
from .grant import Grant
from .places import Place
from .tls import CrewSecurity

# Of the two seconds that a stop may take, the launcher needs some to see to what is left.
STOPPING = 0.9
# What a scheduler says to a worker that it does not want back. Whatever else ends a worker (a
# broken connection, `Client.restart`, a scheduler that took it for dead) asks for another.
FINAL = ("scheduler-close", "scheduler-close-worker", "launcher-stop", "worker-lifetime-reached")


class Setting(NamedTuple):
    """What is the same for all workers of a node."""

    grant: Grant
    security: CrewSecurity
    memory: int
    """Bytes of each worker."""
    scratch: Path
    board: Board
    host: str
    """The node's address on the network that leads to the scheduler: no other is listened on."""


class CrewWorker(distributed.worker.Worker):
    """A worker that tells its launcher how it fares."""

    def __init__(self, scheduler: str, board: Board, index: int, **options: Any) -> None:
        self._board = board
        self._index = index
        self.ended = End.LOST
        super().__init__(scheduler, **options)

    def start_http_server(self, *_: Any, **__: Any) -> None:
        """Open no port for a worker's page: it would be anyone's on the network."""

    async def heartbeat(self) -> None:
        """Ask the scheduler for a sign of life, and tell the launcher whether there was one."""
        before = self.latency
        self._board.asking(self._index)
        await super().heartbeat()
        # It is measured with each answer, and a failure is caught and logged within.
        if self.latency != before:
            self._board.answered(self._index)

    async def close(self, *args: Any, reason: str = "worker-close", **options: Any) -> Any:
        """End, and remember whether that was wanted."""
        if self.status == Status.closing_gracefully or reason in FINAL:
            self.ended = End.WANTED
            self._board.retired(self._index)
        return await super().close(*args, reason=reason, **options)


def run(setting: Setting, place: Place, index: int) -> int:
    """Be the worker at a place until it ends, and say how."""
    os.environ.update(place.env)
    if place.cpus:
        os.sched_setaffinity(0, place.cpus)
    # Titles with spaces hide a process from Slurm where it tracks processes by /proc alone.
    distributed.worker.setproctitle = lambda _: None
    try:
        return asyncio.run(_serve(setting, place, index))
    finally:
        # Its process ends without Python's usual farewell.
        sys.stdout.flush()
        sys.stderr.flush()


async def _serve(setting: Setting, place: Place, index: int) -> int:
    grant = setting.grant
    worker = CrewWorker(
        grant.scheduler,
        setting.board,
        index,
        host=setting.host,
        name=place.name,
        nthreads=grant.threads,
        memory_limit=setting.memory,
        local_directory=str(setting.scratch / place.name),
        security=setting.security,
        resources=place.resources or None,
    )
    _keep_quiet(worker)
    loop = asyncio.get_running_loop()
    begun: set[asyncio.Task[Any]] = set()

    def on(number: int, answer: Any) -> None:
        loop.add_signal_handler(number, lambda: begun.add(loop.create_task(answer(worker))))

    on(signal.SIGTERM, _stop)
    on(signal.SIGUSR1, _retire_node(grant))
    await worker
    setting.board.connected(index)
    await worker.finished()
    return worker.ended


def _keep_quiet(worker: CrewWorker) -> None:
    """How Dask's workers begin and end, the launcher says in one line for all."""
    logger = logging.getLogger("distributed.worker")
    if dask.config.get("logging", None) is None:
        logger.setLevel(logging.WARNING)
    # A heartbeat that was under way has nobody to talk to then, and says so in forty lines.
    ends = (Status.closing, Status.closed)
    logger.addFilter(lambda record: not (record.exc_info and worker.status in ends))


async def _stop(worker: CrewWorker) -> None:
    """Tell the scheduler, so that it gives the work to others at once, and go."""
    closing = worker.close(
        timeout=STOPPING, executor_wait=False, nanny=False, reason="launcher-stop"
    )
    try:
        await asyncio.wait_for(closing, STOPPING)
    except asyncio.TimeoutError:
        os._exit(End.WANTED)


def _retire_node(grant: Grant) -> Any:
    """What one worker does for all: have the scheduler move the work off this node at once, so
    that none goes to a neighbour which is about to go too."""

    async def retire(worker: CrewWorker) -> None:
        names = [f"{grant.node}-{index}" for index in range(grant.workers)]
        await worker.scheduler.retire_workers(names=names, close_workers=True, remove=False)

    return retire
