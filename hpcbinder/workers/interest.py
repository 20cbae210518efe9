"""Whether somebody still wants a crew: pure rules, by a clock that is given."""

from __future__ import annotations


class Interest:
    """A crew is in use while tasks run or wait, while a client asks, and while it has no workers:
    what only waits in the queue costs nothing, and must find its scheduler when it starts."""

    def __init__(self, grace: float, now: float) -> None:
        self._grace = grace
        self._last = now
        self._seen = -1

    def note(self, now: float) -> None:
        """Somebody asks for something now."""
        self._last = now

    def look(self, now: float, workers: int, works: bool, transitions: int) -> None:
        """How the scheduler is at this moment. What began and ended since the last look shows in
        the number of its transitions."""
        if works or not workers or transitions != self._seen:
            self._last = now
        self._seen = transitions

    def unused(self, now: float) -> float:
        """For how many seconds."""
        return now - self._last

    def over(self, now: float) -> bool:
        """Whether the grace is over; a grace of 0 never is."""
        return 0 < self._grace <= self.unused(now)
