"""A hub, a proxy and the service, each a process of its own, and people with tokens."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import time
from contextlib import ExitStack
from multiprocessing.context import SpawnProcess
from pathlib import Path
from types import TracebackType

import httpx

from tests.cluster.person import Person
from tests.repos.forge import Forge, serve
from tests.service.hub import PASSWORD, RunningHub

from .served import serve_site

WORKER_TOKEN = "the token of the worker that the benchmark plays"
START_SECONDS = 120


class Stage:
    """Everything that is measured, started; `with` ends it."""

    def __init__(self, scratch: Path):
        self._scratch = scratch
        self.hub = RunningHub(scratch / "hub", simulated=True)
        self.url = f"{self.hub.url}/services/binder"
        self._forge = serve(scratch)

    def __enter__(self) -> Stage:
        with ExitStack() as undo:
            self.forge: Forge = undo.enter_context(self._forge)
            self.hub.start()
            undo.callback(self.hub.stop)
            self._service = self._start_service()
            undo.callback(self._stop_service)
            self.alice = Person("alice", self.hub.url, PASSWORD)
            self._undo = undo.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._undo.close()

    def restart(self) -> None:
        """A service whose memory is its own again, and not what others have left behind."""
        self._stop_service()
        self._service = self._start_service()

    def _stop_service(self) -> None:
        self._service.terminate()
        self._service.join(30)

    def _start_service(self) -> SpawnProcess:
        state, artefacts = self._scratch / "state", self._scratch / "artefacts"
        artefacts.mkdir(exist_ok=True)
        given = {
            "port": self.hub.service_port,
            "site": {
                "state_dir": str(state),
                "artefacts": str(artefacts),
                "public_url": self.hub.url,
                "free_disk_mb": 1,
                "private_networks": ["127.0.0.0/8"],
                "request_limit": 0,
                "streams_per_user": 0,
                "worker_tokens": {"bench": hashlib.sha256(WORKER_TOKEN.encode()).hexdigest()},
                "profiles": [
                    {"name": "interactive", "title": "Interactive", "partition": "interactive"}
                ],
            },
        }
        # JupyterHub reads these when it is imported.
        os.environ.update(self.hub.service_environment())
        process = multiprocessing.get_context("spawn").Process(
            # One that never answers does not outlive whoever started it.
            target=serve_site,
            args=(given,),
            daemon=True,
        )
        process.start()
        limit = time.monotonic() + START_SECONDS
        while not self._answers():
            assert process.is_alive(), "the service has ended"
            assert time.monotonic() < limit, "the service does not answer"
            time.sleep(0.1)
        return process

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/versions").status_code == 200
        except httpx.HTTPError:
            return False

    @property
    def bearer(self) -> dict[str, str]:
        """A header that says that alice asks."""
        return {"Authorization": f"Bearer {self.alice.token}"}

    @property
    def worker(self) -> dict[str, str]:
        """A header that says that a worker asks."""
        return {"Authorization": f"Bearer {WORKER_TOKEN}"}

    def memory_kib(self) -> int:
        """What the service's process holds in memory."""
        status = Path(f"/proc/{self._service.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0])
