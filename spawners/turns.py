"""Taking turns: one at a time for each user, and so many at once for the whole site.

What is waited for is a user's own shell, which may hang: she holds one place of the site's at most.
What a job may ask for as often as it likes is answered at a pace.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary

from hpcbinderhub.errors import Unavailable

CALL_SECONDS = 1.0
CALLS_WAITING = 4


class Turns:
    """Places for what is done as users."""

    def __init__(self, at_once: int):
        self._places = asyncio.Semaphore(at_once)
        self._users: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def turn(self, user: str) -> AsyncIterator[None]:
        """A place of the site's, when nothing else is under way for this user."""
        own = self._users.setdefault(user, asyncio.Lock())
        async with own, self._places:
            yield


class Pace:
    """For calls of a job that ask Slurm or start a program: one at a time, with a pause between
    them, so that a loop of them takes nothing from others."""

    def __init__(self, seconds: float = CALL_SECONDS, waiting: int = CALLS_WAITING):
        self._seconds = seconds
        self._places = waiting
        self._one = asyncio.Lock()
        self._last = float("-inf")

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """When it is this call's turn. `Unavailable` if too many wait already."""
        if self._places == 0:
            raise Unavailable("The hub is answering this job already.")
        self._places -= 1
        try:
            async with self._one:
                await asyncio.sleep(self._last + self._seconds - time.monotonic())
                try:
                    yield
                finally:
                    self._last = time.monotonic()
        finally:
            self._places += 1
