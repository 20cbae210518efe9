"""How much time is left, and when everything has to be saved."""

from __future__ import annotations

# A word that comes shortly after we have saved by our own clock is about the same end.
SAME_END_SECONDS = 600.0


class Countdown:
    """The time until the job ends. It is counted on between the hub's answers, and saving is asked
    for once before each end."""

    def __init__(self, ends: float | None, warn_seconds: int) -> None:
        self._ends = ends
        self._warn_seconds = warn_seconds
        self._saved: float | None = None
        self.saves = 0
        """How often saving was asked for, so that a page can tell what is new to it."""

    def left(self, now: float) -> float | None:
        """Seconds until the job ends; None if it has no end."""
        return None if self._ends is None else max(0.0, self._ends - now)

    def correct(self, left: float | None, now: float) -> None:
        """What the hub says now: an operator may have changed the job's limit."""
        self._ends = None if left is None else now + left
        if left is None or left > self._warn_seconds + SAME_END_SECONDS:
            self._saved = None

    def tick(self, now: float) -> None:
        """Ask for saving if it is time to."""
        left = self.left(now)
        if left is not None and left <= self._warn_seconds:
            self.save(now)

    def save(self, now: float) -> None:
        """Ask for saving: it is time to, or Slurm says so."""
        if self._saved is None or now - self._saved > SAME_END_SECONDS:
            self._saved = now
            self.saves += 1
