"""What a request selects of a data set: per axis a start, a count and a step."""

from __future__ import annotations

import operator
from collections.abc import Iterable
from dataclasses import dataclass
from math import prod
from typing import Union

from ..errors import Refusal

Key = tuple[Union[int, slice], ...]


@dataclass(frozen=True)
class Selection:
    """Counts are those of all axes; axes that were asked for by an index are not in the result."""

    starts: tuple[int, ...]
    counts: tuple[int, ...]
    steps: tuple[int, ...]
    kept: tuple[bool, ...]

    @classmethod
    def of(cls, key: Key, shape: tuple[int, ...]) -> Selection:
        """Axes that the key does not name are taken whole."""
        if len(key) > len(shape):
            raise Refusal(
                400,
                f"This data set has {len(shape)} axes, not {len(key)}.",
                "Give one index or slice for each axis.",
                "selection",
            )
        whole: Key = (slice(None),) * (len(shape) - len(key))
        parts = [_part(axis, *each) for axis, each in enumerate(zip(key + whole, shape))]
        return cls(
            tuple(start for start, _, _ in parts),
            tuple(count for _, count, _ in parts),
            tuple(step for _, _, step in parts),
            tuple(isinstance(part, slice) for part in key + whole),
        )

    @property
    def size(self) -> int:
        """How many values it has."""
        return prod(self.counts)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the result."""
        return tuple(count for count, kept in zip(self.counts, self.kept) if kept)

    @property
    def slices(self) -> tuple[slice, ...]:
        """As NumPy and h5py take it, all axes kept."""
        return tuple(ranges(self.starts, self.counts, self.steps))

    def moved(self, axis: int, by: int, length: int) -> Selection | None:
        """The same selection further along an axis; None if it would leave the data set."""
        start = self.starts[axis] + by
        if start < 0 or start + (self.counts[axis] - 1) * self.steps[axis] >= length:
            return None
        starts = (*self.starts[:axis], start, *self.starts[axis + 1 :])
        return Selection(starts, self.counts, self.steps, self.kept)


def ranges(starts: Iterable[int], counts: Iterable[int], steps: Iterable[int]) -> Iterable[slice]:
    """Slices that end with the last value that they take."""
    for start, count, step in zip(starts, counts, steps):
        yield slice(start, start + (count - 1) * step + 1 if count else start, step)


def _part(axis: int, part: int | slice, length: int) -> tuple[int, int, int]:
    if isinstance(part, slice):
        if part.step is not None and part.step < 1:
            raise Refusal(
                400, "A slice's step is at least 1.", "Reverse what you got.", "selection"
            )
        start, stop, step = part.indices(length)
        return start, len(range(start, stop, step)), step
    index = operator.index(part)
    if not -length <= index < length:
        raise Refusal(
            400,
            f"Axis {axis} has no place {index}.",
            f"It has {length}, counted from 0." if length else "It is empty.",
            "selection",
        )
    return index % length, 1, 1
