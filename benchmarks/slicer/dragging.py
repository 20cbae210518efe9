"""A hand that slides and one that jumps: every way is asked for the same slices, turn by turn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np

from .cubes import SEED, Stored
from .ways import Showing, Slice, Way

FEWEST = 5
PATIENCE_SECONDS = 60
"""On one axis, nobody is asked for longer than this, once it has answered a few times."""
ROUNDED = 1e-3
"""What single precision may add to half a code."""


@dataclass(frozen=True)
class Taken:
    """What one way took for the slices of one axis: seconds and bytes of each."""

    seconds: Sequence[float]
    nbytes: Sequence[int]

    @property
    def ms(self) -> float:
        """The median."""
        return median(self.seconds) * 1000


Series = Mapping[str, Taken]
"""By way."""


def sequential(data: Stored, axis: int, count: int) -> list[Slice]:
    """The middle of an axis, one after the other."""
    length = data.shape[axis]
    count = min(count, length)
    first = (length - count) // 2
    return [Slice(axis, index, 1) for index in range(first, first + count)]


def random(data: Stored, axis: int, count: int) -> list[Slice]:
    """Anywhere, the same places in every run."""
    places = np.random.default_rng((SEED, axis)).integers(0, data.shape[axis], count)
    return [Slice(axis, int(index)) for index in places]


def compared(ways: Mapping[str, Way], slices: Sequence[Slice]) -> Series:
    """Whoever comes first for one slice comes last for the next."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    nbytes: dict[str, list[int]] = {name: [] for name in ways}
    for turn, one in enumerate(slices):
        for name in list(ways)[:: -1 if turn % 2 else 1]:
            if len(seconds[name]) >= FEWEST and sum(seconds[name]) > PATIENCE_SECONDS:
                continue
            answer = ways[name].take(one)
            seconds[name].append(answer.seconds)
            nbytes[name].append(len(answer.body))
    return {name: Taken(seconds[name], nbytes[name]) for name in ways}


def check(ways: Mapping[str, Way], data: Stored) -> None:
    """All show the same, before anybody is measured: a drag, as near as it says."""
    for axis in range(3):
        one = Slice(axis, data.shape[axis] // 3)
        shown = {name: way.seen(one) for name, way in ways.items() if isinstance(way, Showing)}
        for name, seen in shown.items():
            truth = shown["h5web"].values[:: seen.step, :: seen.step]
            within = seen.within * (1 + ROUNDED)
            assert abs(seen.values - truth).max() <= within, (name, data.layout, axis)
