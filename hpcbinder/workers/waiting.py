"""Until workers are connected, or it makes no sense to wait for them any longer."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from . import choice, display
from .errors import NotYet, WorkersError

if TYPE_CHECKING:
    from .workers import Workers


async def until_connected(workers: Workers, count: int | None, seconds: float | None) -> None:
    """All that were asked for if no number is given; `NotYet` if they are not by then."""
    loop = asyncio.get_running_loop()
    end = None if seconds is None else loop.time() + seconds
    while True:
        workers._check()
        wanted = workers.crew.wanted_workers if count is None else count
        if display.connected(workers) >= wanted:
            return
        _check_hope(workers, wanted)
        news = workers._news
        left = None if end is None else end - loop.time()
        try:
            await asyncio.wait_for(news.wait(), left)
        except asyncio.TimeoutError:
            raise NotYet(
                f"{wanted} workers were waited for: {display.summary(workers)}",
                "Those that come later join by themselves.",
            ) from None


def _check_hope(workers: Workers, wanted: int) -> None:
    """That waiting makes sense."""
    crew = workers.crew
    if workers.limits:
        # How many were asked for changes by itself.
        return
    if wanted > crew.wanted_workers:
        raise WorkersError(
            f"{wanted} workers are waited for, and {crew.wanted_workers} were asked for.",
            f"Ask for more: scale({wanted}).",
        )
    coming = sum(choice.size(crew, node) for node in crew.alive())
    gone = [node for node in crew.nodes if not node.alive]
    if gone and coming < wanted and not crew.replace:
        left = f"nodes for {coming} of {wanted} workers are" if coming else "no node is"
        raise WorkersError(
            f"Of “{workers.name}”, {left} left: {gone[-1].words}",
            f"Ask again: scale({wanted}).",
            crew.detail,
        )
