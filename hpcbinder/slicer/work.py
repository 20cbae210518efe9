"""One request inside the reading process: who ends it, how long it takes, what it may hold."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from .errors import Cancelled, Refusal

MEGABYTE = 1 << 20


class Work:
    """Passed to everything that reads or computes.

    Whoever loops over chunks calls `check` between them, and `claim` before it takes memory that
    grows with what was asked for. Both may be called from any thread.
    """

    def __init__(
        self,
        budget: int,
        seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.budget = budget
        self._left = budget
        self._seconds = seconds
        self._clock = clock
        self._end = clock() + seconds
        self._cancelled = threading.Event()
        self._lock = threading.Lock()

    @property
    def cancelled(self) -> bool:
        """Whether nobody waits for it any more."""
        return self._cancelled.is_set()

    def cancel(self) -> None:
        """The next `check` ends it."""
        self._cancelled.set()

    def renew(self) -> None:
        """The next part of a long answer is asked for: its time begins anew."""
        self._end = self._clock() + self._seconds

    def check(self) -> None:
        """Raise `Cancelled` if it was superseded or given up, `Refusal` 504 if its time is over."""
        if self._cancelled.is_set():
            raise Cancelled
        if self._clock() > self._end:
            raise Refusal(
                504,
                f"This took longer than the {self._seconds:g} seconds that one request may take.",
                "Ask for a smaller part, or for every n-th value.",
                "time",
            )

    def pause(self, seconds: float) -> None:
        """Wait, and `check`; who gives the request up does not wait for the end of it."""
        self._cancelled.wait(seconds)
        self.check()

    def claim(self, nbytes: int) -> None:
        """Count memory against the request's budget; `Refusal` 413 if there is not enough left."""
        with self._lock:
            if nbytes > self._left:
                raise Refusal(
                    413,
                    f"This needs {_megabytes(self.budget - self._left + nbytes)} MB of memory; "
                    f"one request may hold {_megabytes(self.budget)} MB.",
                    "Ask for a smaller part, or for every n-th value.",
                    "memory",
                )
            self._left -= nbytes

    def release(self, nbytes: int) -> None:
        """What was claimed is free again, while the request goes on: one chunk after the other."""
        with self._lock:
            self._left = min(self.budget, self._left + nbytes)


def _megabytes(nbytes: int) -> str:
    return f"{nbytes / MEGABYTE:,.0f}" if nbytes >= 10 * MEGABYTE else f"{nbytes / MEGABYTE:.1f}"
