"""What the slices across an axis are like, one after the other: a few figures of a sample of each.

Iterations of a program, for one: how they go, without a look at each of them.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np

from ..errors import wrong
from ..work import Work
from .blocks import Blocks, blocks_of
from .part import Part, resolve
from .request import Number
from .source import Array, Key, Source
from .spread import finite
from .tally import mean_of

MOST_INDICES = 256
"""Of one request."""
SECONDS = 0.25
"""How long one request goes on; what it has not come to is asked for again."""
RUN_VALUES = 1 << 12
"""Values that lie side by side, which are read at once where there are no chunks."""
SAMPLE_VALUES = 1 << 16
LAYER_BYTES = 4 << 20
"""Of a slice, so many values at most; and so many bytes of the chunks that it lies in."""


@dataclass(frozen=True)
class Point:
    """Of the finite values of one slice's sample; None if there are none."""

    index: int
    low: Number | None
    high: Number | None
    mean: float | None


@dataclass(frozen=True)
class Course:
    """`seen` is the share of each slice that its figures are of: 1 is all of it."""

    points: tuple[Point, ...]
    seen: float

    def as_dict(self) -> dict[str, Any]:
        """As JSON has it: short, since a page asks for many."""
        named = ("index", "low", "high", "mean")
        told = {name: [getattr(point, name) for point in self.points] for name in named}
        return {**told, "seen": self.seen}


def course(
    reader: Source,
    axis: int,
    indices: Sequence[int],
    work: Work,
    part: str = "",
    missing: Sequence[Number] = (),
    seconds: float = SECONDS,
) -> Course:
    """Of as many of the slices as there is time for, and at least the first ones.

    Slices that lie in the same chunks are looked at together, in the same places.
    """
    _check(axis, indices, reader.shape)
    which = resolve(reader.dtype, part)
    sample = Sample.of(reader, axis)
    end = time.monotonic() + seconds
    points: list[Point] = []
    for _, layer in groupby(sorted(set(indices)), lambda index: index // sample.depth):
        together = list(layer)
        rows = sample.read(reader, together, which, work)
        points += [_point(index, row, missing) for index, row in zip(together, rows)]
        work.release(rows.nbytes)
        if time.monotonic() >= end:
            break
    return Course(tuple(points), sample.seen)


@dataclass(frozen=True)
class Sample:
    """Which values of each slice: `turns` blocks from all over it."""

    axis: int
    depth: int
    """Slices that lie in the same blocks."""
    blocks: Blocks
    turns: int

    @classmethod
    def of(cls, reader: Source, axis: int) -> Sample:
        """As many blocks as there may be, and at least one."""
        side = blocks_of(reader.shape, reader.chunks, RUN_VALUES).side
        across = side[:axis] + side[axis + 1 :]
        blocks = Blocks(reader.shape[:axis] + reader.shape[axis + 1 :], across)
        values = int(np.prod(across, dtype=object))
        room = LAYER_BYTES // (values * side[axis] * reader.dtype.itemsize)
        turns = min(blocks.count, room, -(-SAMPLE_VALUES // values))
        return cls(axis, side[axis], blocks, max(1, turns))

    @property
    def seen(self) -> float:
        """The share of a slice's blocks."""
        return self.turns / self.blocks.count if self.blocks.count else 1.0

    def read(self, reader: Source, together: list[int], part: Part, work: Work) -> Array:
        """A row of values for each of these slices, which lie in the same blocks."""
        first, last = together[0], together[-1]
        rows = []
        for turn in range(min(self.turns, self.blocks.count)):
            work.check()
            stored = reader.read(self._key(turn, slice(first, last + 1, 1)), work)
            values = np.moveaxis(part.of(stored), self.axis, 0)
            rows.append(values[[index - first for index in together]].reshape(len(together), -1))
            work.claim(rows[-1].nbytes)
            work.release(stored.nbytes)
        return np.concatenate(rows, axis=1) if rows else np.empty((len(together), 0))

    def _key(self, turn: int, along: slice) -> Key:
        key = self.blocks.key(turn)
        return (*key[: self.axis], along, *key[self.axis :])


def _point(index: int, row: Array, missing: Sequence[Number]) -> Point:
    there = finite(row, missing)
    if there.size == 0:
        return Point(index, None, None, None)
    low, high = there.min().item(), there.max().item()
    return Point(index, low, high, min(max(mean_of(there), float(low)), float(high)))


def _check(axis: int, indices: Sequence[int], shape: tuple[int, ...]) -> None:
    if not 0 <= axis < len(shape):
        raise wrong("axis", f"There is no axis {axis}: this data set has {len(shape)}, from 0.")
    if len(indices) > MOST_INDICES:
        raise wrong("indices", f"Ask for at most {MOST_INDICES} at once.")
    for index in indices:
        if not 0 <= index < shape[axis]:
            sentence = f"Axis {axis} has {shape[axis]} indices from 0; {index} is none of them."
            raise wrong("indices", sentence)
