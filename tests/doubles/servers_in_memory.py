"""Jobs' servers in the hub's own process: as soon as a job is submitted, it runs and answers.

What answers is no JupyterLab but what `jupyterhub.tests.mocksu` is: a path for a path, and, at an
address that ends with `/env`, the variables that the server was started with. `Ours` and `Theirs`
are the ways in which a job of ImageBatchSpawner's and one of SlurmSpawner's find their hub: each
speaks to the real handlers of a real hub.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import tempfile
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

import httpx
from doubles.slurm_in_memory import CLAIMANT, SlurmInMemory
from hop.node import server_context
from tornado import netutil, web
from tornado.httpserver import HTTPServer

NODE = "127.0.0.1"


class Echo(web.RequestHandler):
    """A server's answers."""

    env: dict[str, str]

    def initialize(self, env: dict[str, str]) -> None:
        self.env = env

    def get(self) -> None:
        self.write(self.env if self.request.path.endswith("/env") else self.request.path)


class Servers:
    """What listens on the node, by job."""

    def __init__(self) -> None:
        self._listening: dict[str, HTTPServer] = {}
        self._starting: set[asyncio.Task[None]] = set()

    def begin(self, start: Coroutine[Any, Any, None]) -> None:
        """A job goes on by itself from here."""
        task = asyncio.create_task(start)
        self._starting.add(task)
        task.add_done_callback(self._starting.discard)

    def serve(self, job: str, env: dict[str, str], context: ssl.SSLContext | None = None) -> int:
        """Its server, and on which port that is."""
        server = HTTPServer(web.Application([(".*", Echo, {"env": env})]), ssl_options=context)
        (socket,) = netutil.bind_sockets(0, NODE)
        server.add_socket(socket)
        self._listening[job] = server
        return int(socket.getsockname()[1])

    def end(self, job: str) -> None:
        """The job is over, and its server with it."""
        server = self._listening.pop(job, None)
        if server:
            server.stop()


class Ours(SlurmInMemory):
    """A cluster whose jobs exchange their ticket, listen, and say where."""

    def __init__(self) -> None:
        super().__init__()
        self._servers = Servers()

    async def _sbatch(self, user: str, name: str, options: Sequence[str] = ()) -> str:
        job = await super()._sbatch(user, name, options)
        self._servers.begin(self._live(job))
        return job

    async def _live(self, job: str) -> None:
        self.run(job, NODE)
        folder = await self._folder_of(job)
        claim = folder["claim"]
        async with httpx.AsyncClient(timeout=30) as hub:
            body = {"ticket": claim["ticket"], "job": job, "claimant": CLAIMANT, "tls": True}
            grant = await _patiently(lambda: hub.post(claim["claim_url"], json=body))
            with tempfile.TemporaryDirectory() as keys:
                context = server_context(grant["tls"], Path(keys))
            port = self._servers.serve(job, grant["env"], context)
            token = {"Authorization": f"token {grant['env']['JUPYTERHUB_API_TOKEN']}"}
            ready = {"port": port}
            await _patiently(lambda: hub.post(grant["ready_url"], json=ready, headers=token))

    async def _folder_of(self, job: str) -> dict[str, Any]:
        while True:
            for folder in self._folders.values():
                if folder.get("job") == job:
                    return folder
            await asyncio.sleep(0.01)

    def end(self, job: str, state: str = "COMPLETED", code: str = "0:0", **values: Any) -> None:
        """See `SlurmInMemory.end`."""
        super().end(job, state, code, **values)
        self._servers.end(job)


class Theirs:
    """The commands of Slurm that batchspawner runs, as `run_command` would."""

    def __init__(self) -> None:
        self._servers = Servers()
        self._jobs: set[str] = set()
        self._last = 100

    async def run_command(self, command: str, env: dict[str, str] | None) -> str:
        """What the command prints."""
        words = command.split()
        if words[0] == "sbatch":
            self._last += 1
            self._jobs.add(str(self._last))
            self._servers.begin(self._live(str(self._last), env or {}))
            return str(self._last)
        if words[0] == "squeue":
            return f"RUNNING {NODE}" if words[words.index("-j") + 1] in self._jobs else ""
        assert words[0] == "scancel", command
        self._jobs.discard(words[1])
        self._servers.end(words[1])
        return ""

    async def _live(self, job: str, env: dict[str, str]) -> None:
        port = self._servers.serve(job, env)
        url = f"{env['JUPYTERHUB_API_URL']}/batchspawner"
        token = {"Authorization": f"token {env['JUPYTERHUB_API_TOKEN']}"}
        async with httpx.AsyncClient(timeout=30) as hub:
            await _patiently(lambda: hub.post(url, json={"port": port}, headers=token))


async def _patiently(ask: Callable[[], Coroutine[Any, Any, httpx.Response]]) -> Any:
    """As the start command does: 503 is for later, everything else is final."""
    while True:
        answer = await ask()
        if answer.status_code != 503:
            answer.raise_for_status()
            return json.loads(answer.text)
        await asyncio.sleep(0.05)
