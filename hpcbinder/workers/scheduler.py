"""The scheduler of a crew, in a process of its own beside the kernel.

What it needs comes over its standard input as one line of JSON, keys included, and where it is goes
out as another. That input stays open as long as the kernel lives.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import inspect
import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import distributed
from tornado.ioloop import PeriodicCallback

from .. import descriptors
from ..node.grant import Tls
from ..node.tls import CrewSecurity
from .address import own_address
from .backend import crews_at_hand
from .crew import Keys
from .crews import Crews
from .dashboard import Dashboard
from .errors import WorkersError
from .interest import Interest
from .places import DASHBOARD, USED

LOOK_SECONDS = 5.0
TELLING_SECONDS = 20.0
CLOSED = b"closed\n"
"""What a kernel says that has closed the crew itself."""
ASKED = ("scatter", "gather", "broadcast", "proxy", "run_function")
"""What clients ask a scheduler for that leaves no trace in its tasks."""


class Settings(NamedTuple):
    """What the kernel says."""

    crew: str
    keys: Keys
    folder: Path
    idle_seconds: float
    keep: bool

    @classmethod
    def read(cls, line: bytes) -> Settings:
        """As `text` wrote it."""
        found = json.loads(line)
        keys, folder = Keys(**found.pop("keys")), Path(found.pop("folder"))
        return cls(keys=keys, folder=folder, **found)

    def text(self) -> bytes:
        """One line."""
        known = self._asdict()
        known.update(keys=self.keys._asdict(), folder=os.fspath(self.folder))
        return json.dumps(known).encode() + b"\n"


class Scheduler(distributed.Scheduler):  # type: ignore[misc]
    """Dask's, whose HTTP server listens on a Unix socket alone."""

    def __init__(self, socket: Path, **options: Any) -> None:
        self._socket = socket
        super().__init__(dashboard=False, **options)

    def start_http_server(self, routes: Any, *_: Any, **__: Any) -> None:
        """Instead of Dask's own, which knows ports only."""
        self.dashboard = Dashboard(self, routes, self._socket)
        self.http_application = self.dashboard.application
        self.http_server = self.dashboard.server

    async def register_nanny_plugin(self, *_: Any, **__: Any) -> Any:
        """Refuse it: it would be sent to no one, and nobody would notice."""
        raise WorkersError(
            "These workers have no nannies, and so no plugins for them.",
            "Use a WorkerPlugin, which may set variables, too. Modules in the workspace can be "
            "imported by workers as they are; UploadFile sends others.",
        )

    def works(self) -> bool:
        """Whether tasks run, or wait for workers."""
        waiting = getattr(self, "queued", None) or self.unrunnable
        return bool(waiting) or any(worker.processing for worker in self.workers.values())


class Process:
    """One scheduler and its end."""

    def __init__(self, settings: Settings, crews: Crews, kernel: int) -> None:
        self._settings = settings
        self._crews = crews
        self._kernel = kernel
        self._parent = os.getppid()
        self._ends: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._asking = 0
        self._interest = Interest(settings.idle_seconds, time.monotonic())
        self.scheduler = Scheduler(
            settings.folder / DASHBOARD,
            protocol="tls",
            host=own_address(),
            port=0,
            security=CrewSecurity(Tls(*settings.keys)),
        )

    async def run(self, tell: Callable[[Mapping[str, Any]], None]) -> None:
        """Until nobody wants it any more. The kernel is told where it is, and why it ends."""
        loop = asyncio.get_running_loop()
        await self.scheduler
        self._hear_clients()
        tell({"address": self.scheduler.address})
        loop.add_reader(self._kernel, self._hear_kernel)
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._end, "scheduler")
        finished = asyncio.ensure_future(self._finished())
        looks = PeriodicCallback(self._look, LOOK_SECONDS * 1000)
        looks.start()
        why = await self._ends
        looks.stop()
        finished.cancel()
        tell({"why": why})
        # Workers end as soon as their scheduler does, while Slurm is still being asked.
        await asyncio.gather(self._tell_service(why), self.scheduler.close())

    def _end(self, why: str) -> None:
        if not self._ends.done():
            self._ends.set_result(why)

    async def _finished(self) -> None:
        await self.scheduler.finished()
        self._end("scheduler")

    async def _tell_service(self, why: str) -> None:
        if why:
            with contextlib.suppress(WorkersError, OSError, asyncio.TimeoutError):
                await asyncio.wait_for(self._crews.close(self._settings.crew, why), TELLING_SECONDS)

    def _hear_kernel(self) -> None:
        said = os.read(self._kernel, 4096)
        if said.endswith(CLOSED):
            self._end("")
        elif not said:
            asyncio.get_running_loop().remove_reader(self._kernel)
            if not self._settings.keep:
                self._end("kernel")

    def _hear_clients(self) -> None:
        handlers = self.scheduler.handlers
        for name in set(ASKED) & set(handlers):
            handlers[name] = self._noted(handlers[name])

    def _noted(self, handler: Callable[..., Any]) -> Callable[..., Awaitable[Any]]:
        @functools.wraps(handler)
        async def asked(*args: Any, **kwargs: Any) -> Any:
            self._asking += 1
            try:
                answer = handler(*args, **kwargs)
                return await answer if inspect.isawaitable(answer) else answer
            finally:
                self._asking -= 1
                self._interest.note(time.monotonic())

        return asked

    def _look(self) -> None:
        now, scheduler = time.monotonic(), self.scheduler
        works = self._asking > 0 or scheduler.works()
        self._interest.look(now, len(scheduler.workers), works, scheduler.transition_counter)
        if works:
            # The Jupyter server's rule for what is unused looks at it.
            (self._settings.folder / USED).touch()
        if self._interest.over(now):
            self._end("idle")
        if not self._settings.keep and os.getppid() != self._parent:
            # A process that the kernel has forked may hold our standard input open.
            self._end("kernel")


def main() -> None:
    """Run by `beside.py`."""
    # Unbuffered: what comes after the line is for the event loop.
    with os.fdopen(os.dup(0), "rb", buffering=0) as kernel:
        line = kernel.readline()
    if not line:
        return
    settings = Settings.read(line)
    descriptors.allow_many()
    try:
        asyncio.run(_run(settings))
    except WorkersError as error:
        _tell({"message": error.message, "advice": error.advice, "detail": error.detail})
        sys.exit(1)
    # After anything else, the log stays for whoever looks for the cause.
    shutil.rmtree(settings.folder, ignore_errors=True)


async def _run(settings: Settings) -> None:
    await Process(settings, crews_at_hand(), kernel=0).run(_tell)


def _tell(words: Mapping[str, Any]) -> None:
    # Nobody reads it if the kernel is gone.
    with contextlib.suppress(OSError):
        print(json.dumps(words), flush=True)


if __name__ == "__main__":
    main()
