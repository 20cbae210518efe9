"""Ten thousand builds and eight workers: how fast each is claimed and ended, and whether once."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections import Counter
from pathlib import Path
from typing import Any

from hpcbinderhub.builds.queue import BuildQueue
from hpcbinderhub.builds.records import Order
from hpcbinderhub.database import Database
from hpcbinderhub.events import EventLog
from hpcbinderhub.site import Site

BUILDS = 10_000
WORKERS = 8
USERS = 350


async def measure(scratch: Path) -> dict[str, Any]:
    """`claims_per_s`, `double_claims` and `lost_builds`."""
    rate, claimed, done = await _work(scratch)
    return {
        "claims_per_s": round(rate),
        "claims_per_s_floor": round(_bare(scratch)),
        "double_claims": sum(number - 1 for number in claimed.values()),
        "lost_builds": BUILDS - done,
    }


async def _work(scratch: Path) -> tuple[float, Counter[str], int]:
    database = Database(f"sqlite:///{scratch}/claims.sqlite")
    database.upgrade()
    queue = BuildQueue(database, EventLog(database), 3600, Site().queue_limits)
    for number in range(BUILDS):
        url = f"https://example.org/{number % 1000}"
        await queue.enqueue(Order(f"{number}", url, "main", "0" * 40, f"user {number % USERS}"))
    claimed: Counter[str] = Counter()

    async def work(worker: str) -> None:
        while build := await queue.claim(worker):
            claimed[build.id] += 1
            await queue.finish(build.id, worker, "f" * 64, 1)

    began = time.perf_counter()
    await asyncio.gather(*(work(f"worker {number}") for number in range(WORKERS)))
    rate = len(claimed) / (time.perf_counter() - began)
    done = len(await queue.newest(seen_by=None, state="done", limit=BUILDS))
    await database.close()
    return rate, claimed, done


def _bare(scratch: Path) -> float:
    """Updates of one row each, in transactions of their own, a second."""
    connection = sqlite3.connect(scratch / "bare.sqlite", isolation_level=None)
    for setting in ("journal_mode=WAL", "synchronous=NORMAL"):
        connection.execute(f"PRAGMA {setting}")
    connection.execute("CREATE TABLE builds (id INTEGER PRIMARY KEY, state TEXT)")
    connection.execute("BEGIN")
    connection.executemany("INSERT INTO builds VALUES (?, 'queued')", [(n,) for n in range(BUILDS)])
    connection.execute("COMMIT")
    began = time.perf_counter()
    for number in range(BUILDS):
        connection.execute("UPDATE builds SET state = 'running' WHERE id = ?", (number,))
    rate = BUILDS / (time.perf_counter() - began)
    connection.close()
    return rate
