"""mybinder.org's busiest month, ten times as fast, for ten minutes.

Its operators published 350,000 users in a month. Launches arrive at random, ten times as often on
average; a few repositories are asked for by many and most by few; one launch in ten is of a commit
that was never built. Builds and servers are simulated. All else is real: Git, the queue, the hub,
its proxy and its database, and the streams on which each user waits.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import time
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

from .stage import Stage
from .traffic import ask, follow, in_ms

A_MONTH = 350_000
TIMES = 10
RATE = TIMES * A_MONTH / (30 * 86_400)
SECONDS = float(os.environ.get("HPCBINDERHUB_REPLAY_SECONDS", "600"))
USERS = 120
COMMITS = 80
NEW_COMMITS = 0.1
STAY_SECONDS = 45.0
PATIENCE_SECONDS = 60.0


@dataclass
class Result:
    """What became of the launches."""

    ready: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


async def measure(stage: Stage) -> dict[str, Any]:
    """`replay_errors`, of how many launches, and how long they took."""
    await ask("POST", f"{stage.url}/bare/builders", {}, {"on": True})
    people = await _people(stage)
    chance = random.Random(2021)
    commits = [stage.forge.commit("requirements.txt", f"# {n}\n") for n in range(COMMITS)]
    result = Result()
    launches: list[asyncio.Task[None]] = []
    began = due = time.perf_counter()
    free = list(people)
    while due < began + SECONDS:
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        name = free.pop(chance.randrange(len(free)))
        if chance.random() < NEW_COMMITS:
            commit = await asyncio.to_thread(
                stage.forge.commit, "requirements.txt", f"# new {len(launches)}\n"
            )
        else:
            commit = commits[min(int(chance.paretovariate(0.6)) - 1, COMMITS - 1)]
        session = _session(stage, people[name], commit, result)
        launches.append(asyncio.create_task(_then(session, lambda name=name: free.append(name))))
        due += chance.expovariate(RATE)
    await asyncio.gather(*launches)
    for error in sorted(set(result.errors))[:5]:
        print(f"replay: {error}")
    return {
        "replay_launches": len(launches),
        "replay_errors": len(result.errors),
        "replay_ready_ms_p50": in_ms(result.ready, 50),
        "replay_ready_ms_p99": in_ms(result.ready, 99),
        "replay_seconds": round(time.perf_counter() - began),
    }


async def _people(stage: Stage) -> dict[str, dict[str, str]]:
    """Users, each with a header that holds her token."""
    hub = f"{stage.hub.url}/hub/api"
    staff = {"Authorization": f"Bearer {stage.hub.staff_token}"}
    names = [f"user-{number}" for number in range(USERS)]
    await ask("POST", f"{hub}/users", staff, {"usernames": names})
    found = {}
    for name in names:
        made = await ask("POST", f"{hub}/users/{name}/tokens", staff, {"note": "replay"})
        found[name] = {"Authorization": f"Bearer {json.loads(made.body)['token']}"}
    return found


async def _then(session: Any, done: Any) -> None:
    try:
        await session
    finally:
        done()


async def _session(stage: Stage, token: dict[str, str], commit: str, result: Result) -> None:
    """Launch, wait, stay a while, stop."""
    began = time.perf_counter()
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            server = await _launch(stage, token, commit)
    except (OSError, TimeoutError, ValueError, KeyError) as error:
        result.errors.append(f"{type(error).__name__}: {error}")
        return
    result.ready.append(time.perf_counter() - began)
    await asyncio.sleep(STAY_SECONDS)
    stopped = await ask("DELETE", f"{stage.url}/api/servers/{server}", token)
    if stopped.status >= 400:
        result.errors.append(f"stopping a server: {stopped.status}")


async def _launch(stage: Stage, token: dict[str, str], commit: str) -> str:
    body = {"repository": stage.forge.url, "ref": commit, "profile": "interactive"}
    made = await ask("POST", f"{stage.url}/api/launches", token, body)
    if made.status != 201:
        raise ValueError(f"{made.status}: {made.body[:200]!r}")
    launch = json.loads(made.body)
    url = f"{stage.url}/api/launches/{launch['id']}/events"
    async with aclosing(follow(url, token)) as told:
        async for event in told:
            if event["phase"] == "ready":
                return str(launch["server"])
            if event["phase"] == "failed":
                raise ValueError(event["message"])
    raise ValueError("the stream ended early")
