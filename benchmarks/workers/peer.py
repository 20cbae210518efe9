"""dask-jobqueue on the login node, in a virtual environment on storage that all nodes see."""

from __future__ import annotations

import asyncio
import json
import shlex
import subprocess
from pathlib import Path
from typing import Any

from tests.cluster.cluster import Cluster
from tests.cluster.engine import docker_command

from .measure import Times
from .site import MEMORY_MB

JOBQUEUE = "dask-jobqueue==0.9.0"
PLACE = "/scratch/alice"
LIMIT_SECONDS = 600
"""After that, the ratios say less than the truth."""

# Its own limit of a minute, after which a worker gives up that has no scheduler yet, is too short
# for 120 processes that import Dask on a small machine: the jobs would end by themselves.
DEATH_TIMEOUT = LIMIT_SECONDS
LEAN = {
    "nanny": False,
    "worker_extra_args": ["--no-dashboard"],
    "scheduler_options": {"dashboard": False},
}

# Made by the hub's builder, which reaches the package index, with the Python that nodes have too.
INSTALL = r"""
set -eu
cd "$(mktemp -d -p /var/lib/builder)"
for setting in ${HPCBINDERHUB_BUILD_ENV:-}; do export "${setting?}"; done
if [ -s "${HPCBINDERHUB_CA_BUNDLE:-}" ]; then export SSL_CERT_FILE=$HPCBINDERHUB_CA_BUNDLE; fi
uv=/opt/hpcbinderhub/bin/uv
$uv venv --quiet --no-cache --python /usr/bin/python3 jobqueue
$uv pip install --quiet --no-cache --compile-bytecode --python jobqueue/bin/python "$@"
tar --create --file=- jobqueue
cd / && rm -rf "$OLDPWD"
"""


def installed(cluster: Cluster, packages: list[str]) -> str:
    """The Python that has it, beside the same Dask as the image."""
    home = ["env", "HOME=/var/lib/builder"]
    make = ["bash", "-c", INSTALL, "install", JOBQUEUE, *packages]
    made = ["exec", "--user", "builder", cluster.container("hub"), *home, *make]
    unpack = f"rm -rf {PLACE}/jobqueue && tar --extract --file=- --directory={PLACE}"
    kept = ["exec", "--interactive", "--user", "alice", cluster.container("login")]
    pipe = " | ".join(
        shlex.join([*docker_command(), *words]) for words in (made, [*kept, "bash", "-c", unpack])
    )
    subprocess.run(["bash", "-o", "pipefail", "-c", pipe], check=True, timeout=300)
    return f"{PLACE}/jobqueue/bin/python"


class JobQueue:
    """One way of using it; a new process for each set of workers."""

    def __init__(self, cluster: Cluster, python: str, lean: bool) -> None:
        self._options: dict[str, Any] = {
            "cores": 1,
            "memory": f"{MEMORY_MB}MiB",
            "queue": "interactive",
            "walltime": "00:30:00",
            "death_timeout": DEATH_TIMEOUT,
            # Its default is the user's home.
            "local_directory": "/tmp",
            "log_directory": f"{PLACE}/jobqueue-logs",
            **(LEAN if lean else {}),
        }
        user = ["--user", "alice", "--env", "USER=alice", "--env", "HOME=/home/alice"]
        where = ["--workdir", PLACE, cluster.container("login")]
        script = Path(__file__).with_name("jobqueue.py").read_text()
        self._command = [*docker_command(), "exec", "--interactive", *user, *where]
        self._command += [python, "-c", script]
        self._process: asyncio.subprocess.Process

    async def prepare(self) -> None:
        """It runs on the login node itself."""

    async def start(self, workers: int) -> Times:
        """The time that Python takes to import it is not counted, on neither side."""
        task = json.dumps([workers, LIMIT_SECONDS, self._options])
        pipe = asyncio.subprocess.PIPE
        self._process = await asyncio.create_subprocess_exec(
            *self._command, task, stdin=pipe, stdout=pipe
        )
        found, submitted, connected = json.loads(await self._told())
        return Times(submitted, connected, submissions=workers, workers=found)

    async def close(self) -> None:
        """It has come back."""
        assert await self._told() == "closed"
        await self._process.wait()

    async def _told(self) -> str:
        """What it answers when it may go on."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(b"go on\n")
        await stdin.drain()
        return (await stdout.readline()).decode().strip()
