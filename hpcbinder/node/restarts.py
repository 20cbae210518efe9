"""Whether a worker that has ended gets a successor, and when."""

from __future__ import annotations

import random
from typing import NamedTuple

from .ends import End

FIRST_PAUSE, LONGEST_PAUSE = 0.25, 30.0
# One that worked for so long did not fail because of those before it.
STEADY = 60.0
MOST_VAIN_STARTS = 6


class History(NamedTuple):
    """What became of the last workers of a place."""

    failures: int = 0
    """One after the other, without a steady one between."""
    losses: int = 0
    """Of the scheduler, likewise."""
    vain: int = 0
    """Starts of which no worker came that the scheduler knew."""

    def ended(self, end: int, lived: float, connected: bool) -> History:
        """The history with one more worker, which lived for so many seconds."""
        past = History() if lived > STEADY else self
        vain = 0 if connected else past.vain + 1
        if end == End.LOST:
            # The scheduler could be away: patience with it has a limit of its own.
            return past._replace(losses=past.losses + 1)
        return past._replace(failures=past.failures + 1, vain=vain)

    @property
    def hopeless(self) -> bool:
        """Whether the next would fail, too. One that a task brought down is no reason: Dask itself
        gives up a task that does so again and again."""
        return self.vain >= MOST_VAIN_STARTS

    def pause(self) -> float:
        """Seconds until the next worker; not the same for all that lost their scheduler at once."""
        if not self.failures:
            # `Client.restart` ends workers and waits for others.
            return 0.0 if self.losses <= 1 else random.uniform(0.5, 3.0)
        return float(min(FIRST_PAUSE * 2.0 ** (self.failures - 1), LONGEST_PAUSE))
