"""Jobs that came to nothing: the next one waits, longer each time, and those who wait are told."""

from __future__ import annotations

from collections.abc import Callable

FIRST_PAUSE = 30.0
LONGEST_PAUSE = 900.0


class Setbacks:
    """In memory: a service that starts anew tries at once."""

    def __init__(self, clock: Callable[[], float]):
        self._clock = clock
        self._number = 0
        self._until = 0.0
        self._words = ""

    def add(self, words: str) -> None:
        """One more; `words` say what came of it."""
        self._until = self._clock() + min(FIRST_PAUSE * 2**self._number, LONGEST_PAUSE)
        self._number += 1
        self._words = words

    def forget(self) -> None:
        """A builder has built."""
        self._number, self._until = 0, 0.0

    @property
    def pausing(self) -> bool:
        """Whether it is too early for another try."""
        return self._clock() < self._until

    def words(self) -> str:
        """What happened, and when the next try is."""
        return f"{self._words} The next try is in {self._until - self._clock():.0f} s."
