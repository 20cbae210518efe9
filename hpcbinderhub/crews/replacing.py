"""What a crew lacks that wants its nodes back, and how often it is asked for."""

from __future__ import annotations

from collections.abc import Callable

from .records import Crew, CrewState, workers_of
from .sights import ends_soon
from .sizes import spread

FIRST_PAUSE = 15.0
LONGEST_PAUSE = 900.0
CALM_SECONDS = 1800.0
"""What lasts for so long was no loss that follows another."""


def missing(crew: Crew, now: float, ahead: float) -> tuple[int, ...]:
    """The workers of each node that is to be asked for: of what was lost, and of what ends before
    long, so that the one is there when the other goes."""
    if crew.state is not CrewState.OPEN:
        return ()
    staying = [node for node in crew.working if not ends_soon(node, now, ahead)]
    return spread(max(0, crew.wanted_workers - workers_of(staying)), crew.per_node)


class Patience:
    """Replacements of one crew after the other come at ever longer intervals: what ends at once on
    every node would otherwise be submitted again for ever."""

    def __init__(self, clock: Callable[[], float]):
        self._clock = clock
        self._asked: dict[str, tuple[float, float]] = {}
        """When it was asked last, and how long to wait from then."""

    def is_over(self, crew: str) -> bool:
        """Whether a crew's replacements may be asked for now."""
        at, pause = self._asked.get(crew, (float("-inf"), 0.0))
        return self._clock() >= at + pause

    def asked(self, crew: str) -> None:
        """They were."""
        now = self._clock()
        at, pause = self._asked.get(crew, (float("-inf"), 0.0))
        calm = now - at > CALM_SECONDS
        self._asked[crew] = (now, FIRST_PAUSE if calm else min(pause * 2, LONGEST_PAUSE))
