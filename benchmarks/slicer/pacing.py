"""A hand that slides at sixty slices a second, and does not wait for those that are late."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from .ways import Slice, Way

RATE = 60
PATIENCE = 10.0
"""Seconds behind which nobody catches up any more: all further frames are late by as much."""


@dataclass(frozen=True)
class Paced:
    """Seconds from when each frame was due until its last byte was there."""

    seconds: Sequence[float]

    @property
    def late_pct(self) -> float:
        """Frames that were not there when the next was due."""
        return 100 * sum(taken > 1 / RATE for taken in self.seconds) / len(self.seconds)

    @property
    def worst_ms(self) -> float:
        """The one that took longest."""
        return 1000 * max(self.seconds)


def paced(way: Way, slices: Sequence[Slice]) -> Paced:
    """After the first touch, and on one connection: a late frame makes the next ones late."""
    way.take(slices[0])
    taken = []
    begun = time.perf_counter()
    for turn, one in enumerate(slices[1:]):
        due = begun + turn / RATE
        time.sleep(max(0.0, due - time.perf_counter()))
        way.take(one)
        taken.append(time.perf_counter() - due)
        if taken[-1] > PATIENCE:
            taken += [taken[-1]] * (len(slices) - 1 - len(taken))
            break
    return Paced(taken)
