"""How often one user may ask for a build or a launch.

A window begins with a user's first request and ends `seconds` later; within it so many requests
pass. What is refused does not prolong it. In memory: a restarted service starts counting anew.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from .errors import TooManyRequests


@dataclass(frozen=True)
class Allowance:
    """What is left of a user's window."""

    limit: int
    remaining: int
    reset_in: int
    """Seconds until the window ends."""


class RateLimiter:
    """Counts requests per user."""

    def __init__(self, limit: int, seconds: int, clock: Callable[[], float] = time.monotonic):
        self._limit = limit
        self._seconds = seconds
        self._clock = clock
        self._windows: dict[str, tuple[float, int]] = {}
        self._tidied = clock()

    def take(self, user: str) -> Allowance | None:
        """Count one request. None where there is no limit; TooManyRequests beyond it."""
        if self._limit <= 0:
            return None
        now = self._clock()
        self._tidy(now)
        ends, used = self._windows.get(user, (0.0, 0))
        if ends <= now:
            ends, used = now + self._seconds, 0
        left = math.ceil(ends - now)
        if used >= self._limit:
            raise TooManyRequests(
                f"You asked for {self._limit} builds and launches within {_time(self._seconds)}, "
                "which is this site's limit.",
                f"Try again in {_time(left)}.",
                retry_after=left,
            )
        self._windows[user] = (ends, used + 1)
        return Allowance(self._limit, self._limit - used - 1, left)

    def _tidy(self, now: float) -> None:
        """Forget the windows that have ended, once a window's time."""
        if now - self._tidied >= self._seconds:
            self._tidied = now
            self._windows = {u: window for u, window in self._windows.items() if window[0] > now}


def _time(seconds: int) -> str:
    if seconds < 120:
        return f"{seconds} second{'s' if seconds != 1 else ''}"
    return f"{math.ceil(seconds / 60)} minutes"
