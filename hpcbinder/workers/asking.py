"""What is asked for apart from any workers: which there are, what may be had, the end of some."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from distributed.utils import LoopRunner, sync

from .backend import crews_at_hand
from .crew import Crew
from .crews import Crews
from .errors import WorkersError

T = TypeVar("T")


def once(ask: Callable[[Crews], Awaitable[T]]) -> T:
    """Ask in an event loop of its own, wherever this is called."""

    async def asked() -> T:
        return await ask(crews_at_hand())

    runner = LoopRunner(asynchronous=False)
    runner.start()
    try:
        answer: T = sync(runner.loop, asked)
        return answer
    finally:
        runner.stop()


async def end(name: str, crews: Crews) -> None:
    """Close the crew of that name."""
    await crews.close(named(name, (await crews.offer()).crews).id, "closed")


def named(name: str, crews: list[Crew]) -> Crew:
    """The one of that name."""
    for crew in crews:
        if crew.name == name and not crew.over:
            return crew
    there = ", ".join(f"“{crew.name}”" for crew in crews if not crew.over) or "none"
    raise WorkersError(f"This server has no workers called “{name}”.", f"There are these: {there}.")
