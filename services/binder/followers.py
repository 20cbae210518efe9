"""How many streams of events one user holds open at once, so that one leaves room for all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from hpcbinderhub.errors import TooManyRequests

RETRY_SECONDS = 60


class Followers:
    """Counts the open streams of every user."""

    def __init__(self, limit: int):
        self._limit = limit
        self._open: Counter[str] = Counter()

    @contextmanager
    def following(self, user: str) -> Iterator[None]:
        """A stream, open for as long as this is; TooManyRequests beyond the limit."""
        if 0 < self._limit <= self._open[user]:
            raise TooManyRequests(
                f"You follow {self._limit} builds and launches already: no more than this at once.",
                "Close some of their pages, or end the programs that follow them.",
                retry_after=RETRY_SECONDS,
            )
        self._open[user] += 1
        try:
            yield
        finally:
            self._open[user] -= 1
            if not self._open[user]:
                del self._open[user]
