"""The launch page under a steady stream of visitors who do not wait for each other."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from .stage import Stage
from .traffic import ask, in_ms

A_SECOND = 50
SECONDS = 20
PAGE = "v2/gh/binder-examples/requirements/HEAD"


async def measure(stage: Stage) -> dict[str, Any]:
    """`page_p99_ms`."""
    client = stage.alice.client
    client.get(f"/services/binder/{PAGE}").raise_for_status()
    sent = [c for c in client.cookies.jar if "/services/binder/".startswith(c.path)]
    cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in sent)
    taken, errors = await _visits(f"{stage.url}/{PAGE}", {"Cookie": cookies})
    bare, _ = await _visits(f"{stage.url}/bare/page", {})
    return {
        "page_p99_ms": in_ms(taken, 99),
        "page_p99_ms_floor": in_ms(bare, 99),
        "page_errors": errors,
    }


async def _visits(url: str, headers: dict[str, str]) -> tuple[list[float], int]:
    """Each visit counts from the moment that it was due."""
    taken: list[float] = []
    errors = 0

    async def visit(due: float) -> None:
        nonlocal errors
        answer = await ask("GET", url, headers)
        taken.append(time.perf_counter() - due)
        errors += answer.status != 200

    began = time.perf_counter()
    visits = []
    for number in range(A_SECOND * SECONDS):
        due = began + number / A_SECOND
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        visits.append(asyncio.create_task(visit(due)))
    await asyncio.gather(*visits)
    return taken, errors
