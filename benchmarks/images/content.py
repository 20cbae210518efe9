"""A commit that changes a notebook: how soon its environment is ready again.

From the request that the launch page sends to the moment at which Slurm would be asked for a node,
through a real hub, its proxy, the service in a process of its own, and Git over HTTP. Nobody builds
after the first commit: what had to be built would never be ready.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
from contextlib import aclosing
from pathlib import Path
from statistics import median
from typing import Any

from ..service.stage import Stage
from ..service.traffic import ask, follow

COMMITS = 11
FILES = 2000
PATIENCE_SECONDS = 60.0


def measure(files: int = FILES, commits: int = COMMITS) -> dict[str, float]:
    """`content_ready_s`: the median over some commits."""
    with tempfile.TemporaryDirectory(prefix="bench-") as scratch, Stage(Path(scratch)) as stage:
        return {"content_ready_s": round(asyncio.run(_measure(stage, files, commits)), 3)}


async def _measure(stage: Stage, files: int, commits: int) -> float:
    for number in range(files):
        folder = stage.forge.work / f"data/{number % 50}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{number}.csv").write_text(f"{number}\n")
    first = stage.forge.commit("requirements.txt", "numpy\nxarray\n")
    await ask("POST", f"{stage.url}/bare/builders", {}, {"on": True})
    await _launch(stage, first)
    await ask("POST", f"{stage.url}/bare/builders", {}, {"on": False})
    taken = []
    for number in range(commits):
        commit = await asyncio.to_thread(stage.forge.commit, "index.ipynb", f'{{"n": {number}}}')
        taken.append(await _launch(stage, commit))
    return median(taken)


async def _launch(stage: Stage, commit: str) -> float:
    """Launch a commit, and stop its server; the seconds until it was ready to be started."""
    began = time.perf_counter()
    body = {"repository": stage.forge.url, "ref": commit, "profile": "interactive"}
    made = json.loads((await ask("POST", f"{stage.url}/api/launches", stage.bearer, body)).body)
    events = f"{stage.url}/api/launches/{made['id']}/events"
    ready: float | None = None
    async with asyncio.timeout(PATIENCE_SECONDS), aclosing(follow(events, stage.bearer)) as told:
        async for event in told:
            if event["phase"] == "launching" and ready is None:
                ready = time.perf_counter() - began
            if event["phase"] == "failed":
                raise RuntimeError(event["message"])
            if event["phase"] == "ready":
                break
    await _stop(stage, made)
    assert ready is not None
    return ready


async def _stop(stage: Stage, launch: dict[str, Any]) -> None:
    url = f"{stage.url}/api/servers/{launch['server']}"
    stopped = await ask("DELETE", url, stage.bearer)
    assert stopped.status < 400, stopped
