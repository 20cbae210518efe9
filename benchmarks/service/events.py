"""How soon those who watch a build are told, and what a thousand of them cost."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import aclosing
from typing import Any
from urllib.parse import quote

from .stage import Stage
from .traffic import ask, follow, in_ms

TRIES = 30
WATCHERS = 1000
LINES = 20
LINE_SECONDS = 0.5
WATCHER_BATCH = 50
SETTLE_SECONDS = 2.0


async def measure(stage: Stage) -> dict[str, Any]:
    """`first_event_ms_p50`, `built_ms_p50`, and the figures of the watchers."""
    figures = {
        "first_event_ms_p50": in_ms([await _first_event(stage) for _ in range(TRIES)], 50),
        "first_event_ms_p50_floor": in_ms([await _first_bare(stage) for _ in range(TRIES)], 50),
        "built_ms_p50": in_ms([await _built(stage, n) for n in range(TRIES)], 50),
        "built_ms_p50_floor": in_ms([await _bare_line(stage) for _ in range(TRIES)], 50),
    }
    return figures | await _watchers(stage)


async def _first_event(stage: Stage) -> float:
    """From asking for a build to the first thing that is said about it."""
    spec = f"git/{quote(stage.forge.url, safe='')}/HEAD"
    began = time.perf_counter()
    async with aclosing(follow(f"{stage.url}/build/{spec}?build_only=true", stage.bearer)) as told:
        await anext(told)
    return time.perf_counter() - began


async def _first_bare(stage: Stage) -> float:
    began = time.perf_counter()
    async with aclosing(follow(f"{stage.url}/bare/stream", {})) as told:
        await anext(told)
    return time.perf_counter() - began


async def _claimed_build(stage: Stage, name: str) -> str:
    """A build that is ours, as a worker's."""
    commit = stage.forge.commit("requirements.txt", f"# {name}\n")
    body = {"repository": stage.forge.url, "ref": commit}
    made = await ask("POST", f"{stage.url}/api/builds", stage.bearer, body)
    build: str = json.loads(made.body)["build"]["id"]
    while True:
        claimed = await ask("POST", f"{stage.url}/api/worker/claim", stage.worker, {})
        if json.loads(claimed.body)["id"] == build:
            return build


async def _report(stage: Stage, build: str, message: str) -> None:
    lines = {"lines": [{"phase": "building", "message": message}]}
    await ask("POST", f"{stage.url}/api/worker/builds/{build}/report", stage.worker, lines)


async def _finish(stage: Stage, build: str) -> None:
    body = {"artefact": "f" * 64, "size": 1}
    await ask("POST", f"{stage.url}/api/worker/builds/{build}/finish", stage.worker, body)


async def _built(stage: Stage, number: int) -> float:
    """From the worker's last line to the watcher's `built`."""
    build = await _claimed_build(stage, f"built {number}")
    async with aclosing(follow(f"{stage.url}/api/builds/{build}/events", stage.bearer)) as told:
        await anext(told)
        await _report(stage, build, "The last line.")
        began = time.perf_counter()
        ending = asyncio.create_task(_finish(stage, build))
        async for event in told:
            if event["phase"] == "built":
                break
        took = time.perf_counter() - began
        await ending
    return took


async def _bare_line(stage: Stage) -> float:
    async with aclosing(follow(f"{stage.url}/bare/stream", {})) as told:
        await anext(told)
        began = time.perf_counter()
        saying = asyncio.create_task(ask("POST", f"{stage.url}/bare/stream", {}, {}))
        await anext(told)
        took = time.perf_counter() - began
        await saying
    return took


async def _watchers(stage: Stage) -> dict[str, Any]:
    stage.restart()

    async def say(text: str) -> None:
        await ask("POST", f"{stage.url}/bare/stream", {}, {"message": text})

    bare, bare_kib, _ = await _watched(stage, f"{stage.url}/bare/stream", {}, say)
    stage.restart()
    build = await _claimed_build(stage, "watched")
    url = f"{stage.url}/api/builds/{build}/events"

    async def report(text: str) -> None:
        await _report(stage, build, text)

    delays, kib, reached = await _watched(stage, url, stage.bearer, report)
    await _finish(stage, build)
    return {
        "watchers": reached,
        "watcher_p99_ms": in_ms(delays, 99),
        "watcher_p99_ms_floor": in_ms(bare, 99),
        "watcher_kib": round(kib, 1),
        "watcher_kib_floor": round(bare_kib, 1),
    }


async def _watched(
    stage: Stage, url: str, headers: dict[str, str], say: Any
) -> tuple[list[float], float, int]:
    """Say lines to many watchers: how late each came to each, the memory that one costs, and how
    many got every line."""
    delays: list[float] = []
    counts = [0] * WATCHERS

    async def watch(number: int) -> None:
        async with aclosing(follow(url, headers)) as told:
            async for event in told:
                if event.get("message", "").startswith("said at "):
                    delays.append(time.perf_counter() - float(event["message"].split()[-1]))
                    counts[number] += 1
                    if counts[number] == LINES:
                        return

    before = stage.memory_kib()
    watching = []
    for number in range(WATCHERS):
        watching.append(asyncio.create_task(watch(number)))
        if number % WATCHER_BATCH == 0:
            await asyncio.sleep(0.2)
    await asyncio.sleep(SETTLE_SECONDS)
    kib = (stage.memory_kib() - before) / WATCHERS
    for _ in range(LINES):
        await say(f"said at {time.perf_counter()}")
        await asyncio.sleep(LINE_SECONDS)
    await asyncio.wait(watching, timeout=SETTLE_SECONDS)
    for task in watching:
        task.cancel()
    await asyncio.gather(*watching, return_exceptions=True)
    return delays, kib, sum(count == LINES for count in counts)
