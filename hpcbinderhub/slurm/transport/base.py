"""What every way to the agent offers, and how patient each is."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from ..framing import Sink

Done = TypeVar("Done")

SLOWEST_BYTES = 100_000
"""A second: what a line to a login node carries at the very least."""


class Transport(Protocol):
    """Runs one agent request as one user."""

    async def call(
        self, user: str, request: dict[str, Any], data: Sink | None = None, host: str = ""
    ) -> dict[str, Any]:
        """The agent's answer; what it sends beside that goes to `data`. AgentError if it refuses,
        Unavailable if nothing is known. With `host`, on that login node and no other."""
        ...


@dataclass(frozen=True)
class Patience:
    """How long what is waited for, in seconds."""

    reach: float = 3
    """Until a host takes the connection: short, since another one may."""
    login: float = 12
    """Until it has checked who we are."""
    first: float = 20
    """Until the agent says that it has read the request. All that comes before is the user's login
    shell, and meanwhile a place is taken that others wait for."""
    answer: float = 120
    """Until the agent says something more, each time."""
    longest: float = 2400
    """Until it has said everything, whatever it says: longer than any pull of an image."""
    alive: float = 15
    """Between two looks whether a connection is still there; three without an answer end it."""
    idle: float = 120
    """Until a connection that nobody uses is closed."""
    life: float = 900
    """Until a connection gets no more work, so that who may no longer log in is out."""
    trouble: float = 60
    """How long a host that could not be used is tried last."""

    def until_first(self, size: int) -> float:
        """See `first`, for a request of so many bytes, which take their time on a slow line."""
        return self.first + size / SLOWEST_BYTES


class Errands:
    """Work that may need a moment to end, for callers that do not have it: a start that is
    cancelled must be over within a second, or JupyterHub does not stop the server."""

    def __init__(self) -> None:
        self._under_way: set[asyncio.Task[Any]] = set()

    async def run(self, work: Coroutine[Any, Any, Done]) -> Done:
        """Its answer. Who is cancelled goes at once; the work is cancelled too, and tidies up by
        itself."""
        task = self._begin(work)
        try:
            return await asyncio.shield(task)
        finally:
            task.cancel()

    async def until(self, answered: asyncio.Event, work: Coroutine[Any, Any, None]) -> None:
        """Until it is answered, or over; then, too, it tidies up by itself."""
        task, bell = self._begin(work), asyncio.create_task(answered.wait())
        try:
            await asyncio.wait((task, bell), return_when=asyncio.FIRST_COMPLETED)
            if not answered.is_set():
                await task
        finally:
            bell.cancel()
            if not answered.is_set():
                task.cancel()

    def _begin(self, work: Coroutine[Any, Any, Done]) -> asyncio.Task[Done]:
        task = asyncio.create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._over)
        return task

    def _over(self, task: asyncio.Task[Any]) -> None:
        self._under_way.discard(task)
        # What goes wrong after the answer is nobody's concern.
        if not task.cancelled():
            task.exception()
