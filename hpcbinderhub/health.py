"""Whether the parts do their work: a table of named checks.

The shape of the answer is BinderHub's, so what watches one watches the other. A check that fails
makes the whole unwell, unless it is there for information: `_ignore_failure`, as BinderHub has it.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, text

from .builds.jobs.dispatcher import Dispatcher
from .builds.sightings import Sightings
from .database import Database
from .errors import Unavailable, UserError
from .launches.hub import Hub
from .store.publishing import Publishing

log = logging.getLogger(__name__)

CACHE_SECONDS = 10.0
CHECK_SECONDS = 5.0
WORKER_SECONDS = 60.0
SILENCE_SECONDS = 60.0


@dataclass(frozen=True)
class Check:
    """One row of the table. `run` raises a UserError or Unavailable when all is not well; what it
    returns is shown beside `ok`."""

    service: str
    run: Callable[[], Awaitable[dict[str, Any]]]
    matters: bool = True


class Health:
    """Runs all checks, at most once in a while however many ask."""

    def __init__(self, checks: Sequence[Check], clock: Callable[[], float] = time.monotonic):
        self._checks = checks
        self._clock = clock
        self._at = float("-inf")
        self._running: asyncio.Future[dict[str, Any]] | None = None

    async def report(self) -> dict[str, Any]:
        """`{"ok": …, "checks": [{"service": …, "ok": …}, …]}`."""
        if self._running is None or (
            self._running.done() and self._clock() - self._at >= CACHE_SECONDS
        ):
            self._at = self._clock()
            self._running = asyncio.ensure_future(self._run())
        # Whoever gives up waiting must not end it for the others.
        return await asyncio.shield(self._running)

    async def _run(self) -> dict[str, Any]:
        rows = await asyncio.gather(*(_row(check) for check in self._checks))
        well = all(
            row["ok"] for check, row in zip(self._checks, rows, strict=True) if check.matters
        )
        return {"ok": well, "checks": rows}


async def _row(check: Check) -> dict[str, Any]:
    row: dict[str, Any] = {"service": check.service}
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            row |= {"ok": True} | await check.run()
    except TimeoutError:
        row |= {"ok": False, "message": f"No answer in {CHECK_SECONDS:.0f} s."}
    except (UserError, Unavailable) as error:
        row |= {"ok": False, "message": str(error)}
    except Exception:
        log.exception("The check of %s has a defect", check.service)
        row |= {"ok": False, "message": "The check could not be made; see the service's log."}
    return row if check.matters else row | {"_ignore_failure": True}


# -- the checks ------------------------------------------------------------------------------------


def database_answers(database: Database) -> Check:
    """The queue's database."""

    async def run() -> dict[str, Any]:
        await database.run(_select_one)
        return {}

    return Check("Database", run)


def hub_answers(hub: Hub) -> Check:
    """The hub's API, with BinderHub's name for it."""

    async def run() -> dict[str, Any]:
        await hub.check()
        return {}

    return Check("JupyterHub API", run)


def workers_live(sightings: Sightings) -> Check:
    """Somebody builds. For information: what was built before is launched all the same."""

    async def run() -> dict[str, Any]:
        workers = sightings.within(WORKER_SECONDS)
        if not workers:
            raise Unavailable(f"No worker was heard of in the last {WORKER_SECONDS:.0f} s.")
        return {"workers": len(workers)}

    return Check("Build workers", run, matters=False)


def builders_come(builders: Dispatcher) -> Check:
    """Where builders are jobs: nothing keeps the next one from coming. For information as well."""

    async def run() -> dict[str, Any]:
        if builders.trouble:
            raise Unavailable(builders.trouble)
        return {}

    return Check("Build workers", run, matters=False)


def registry_takes(publishing: Publishing) -> Check:
    """The site's registry takes images. For information: most engines need none."""

    async def run() -> dict[str, Any]:
        if trouble := await publishing.trouble():
            raise Unavailable(trouble)
        return {}

    return Check("Image registry", run, matters=False)


def cluster_answers(hub: Hub) -> Check:
    """Slurm answers the watcher. For information: an outage of Slurm's is not one of ours."""

    async def run() -> dict[str, Any]:
        watched, silence = await hub.watcher()
        if silence > SILENCE_SECONDS:
            raise Unavailable(f"Slurm has not answered for {silence:.0f} s.")
        return {"jobs": watched, "silent_seconds": round(silence, 1)}

    return Check("Cluster watcher", run, matters=False)


def room_in(service: str, directory: str | Path, least_mb: int, needed: int) -> Check:
    """A directory that can be reached (`needed`: `os.R_OK` and the like), on a file system that
    takes data and has room."""

    def look() -> dict[str, Any]:
        if not os.access(directory, needed):
            raise Unavailable(f"{directory} is missing, or closed to this account.")
        system = os.statvfs(directory)
        if system.f_flag & os.ST_RDONLY and needed & os.W_OK:
            raise Unavailable(f"{directory} is mounted read-only.")
        free_mb = system.f_bavail * system.f_frsize // (1 << 20)
        if free_mb < least_mb:
            raise Unavailable(f"{directory} has {free_mb} MiB left; {least_mb} are wanted.")
        return {"free_mb": free_mb}

    # A file system that hangs takes this one thread, and none that others need.
    thread = ThreadPoolExecutor(1, thread_name_prefix="health")

    async def run() -> dict[str, Any]:
        return await asyncio.get_running_loop().run_in_executor(thread, look)

    return Check(service, run)


def _select_one(connection: Connection) -> None:
    connection.execute(text("SELECT 1"))
