"""When a server in which nothing runs has to stop."""

from __future__ import annotations

from typing import NamedTuple

MOST_WARNING = 300.0


class IdleRule(NamedTuple):
    """A server stops when nothing has run in it for so many minutes."""

    minutes: float

    def stops_in(self, unused_seconds: float) -> float:
        """Seconds until it stops, if nothing goes on to run."""
        return max(0.0, self.minutes * 60 - unused_seconds)

    def warns(self, unused_seconds: float) -> bool:
        """Whether its owner has to be told: some minutes before, or half of the time if that is
        short."""
        return self.stops_in(unused_seconds) <= min(MOST_WARNING, self.minutes * 30)
