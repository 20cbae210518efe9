"""Nodes of a crew whose workers do no work: as many as a large cluster's on one machine.

A real worker is a process. Here, one process is a node, and each of its workers a part of its event
loop, with what they do every few milliseconds taken from them. For the scheduler, and whoever asks
it, nothing is different.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

PROGRAM = """
import asyncio, json, os, signal, sys, tempfile
import dask, distributed.versions
from hpcbinder.node.board import Board
from hpcbinder.node.grant import Tls
from hpcbinder.node.tls import CrewSecurity
from hpcbinder.node.worker import CrewWorker

dask.config.set({
    "distributed.worker.profile.enabled": False,
    "distributed.worker.http.routes": [],
    "distributed.admin.tick.interval": "10s",
    "distributed.admin.tick.cycle": "60s",
    "distributed.admin.system-monitor.interval": "30s",
})
distributed.versions.get_versions()

async def node(grant):
    board, security = Board(grant["workers"]), CrewSecurity(Tls(**grant["tls"]))
    with tempfile.TemporaryDirectory() as folder:
        workers = [
            CrewWorker(
                grant["scheduler"], board, index, name=f"{grant['node']}-{index}", nthreads=1,
                memory_limit=0, local_directory=folder, security=security, host="127.0.0.1",
            )
            for index in range(grant["workers"])
        ]
        await asyncio.gather(*workers)
        await asyncio.gather(*(worker.finished() for worker in workers))

running = {}
for line in sys.stdin:
    told = json.loads(line)
    if "end" in told:
        os.kill(running[told["end"]], signal.SIGKILL)
    elif not (process := os.fork()):
        os.close(0)
        asyncio.run(node(told))
        os._exit(0)
    else:
        running[told["node"]] = process
for process in running.values():
    os.kill(process, signal.SIGKILL)
"""


class HollowNodes:
    """What `CrewsService` starts and ends in the place of nodes."""

    def __init__(self) -> None:
        environment = {**os.environ, "DASK_DISTRIBUTED__LOGGING__DISTRIBUTED": "error"}
        self._process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM], stdin=subprocess.PIPE, text=True, env=environment
        )

    def start(self, grant: Mapping[str, Any]) -> None:
        """A node with all of its workers."""
        self._tell(grant)

    def end(self, node: str) -> None:
        """As `scancel` does."""
        self._tell({"end": node})

    def end_all(self) -> None:
        """Whatever happened before."""
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait()

    def _tell(self, what: Mapping[str, Any]) -> None:
        assert self._process.stdin
        self._process.stdin.write(json.dumps(what) + "\n")
        self._process.stdin.flush()
