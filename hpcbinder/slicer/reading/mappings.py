"""Which parts of a virtual data set are which of its sources': arithmetic on selections."""

from __future__ import annotations

import os
from dataclasses import dataclass
from math import gcd
from typing import Any

import h5py
from h5py import h5s

from .selection import Selection


class Irregular(Exception):
    """Not one box onto another: HDF5 itself has to read it."""


@dataclass(frozen=True)
class Steps:
    """Equally spaced indices along one axis."""

    start: int
    count: int
    step: int = 1

    @property
    def last(self) -> int:
        """The last index."""
        return self.start + (self.count - 1) * self.step


@dataclass(frozen=True)
class Met:
    """Indices of one axis that are both selected and mapped."""

    target: slice
    """Where they are in the result."""
    first: int
    every: int
    """The number of the first among those that are mapped, and how many lie between two."""

    @property
    def count(self) -> int:
        """How many they are."""
        return len(range(self.target.start, self.target.stop, self.target.step))


@dataclass(frozen=True)
class Mapping:
    """A box of a virtual data set, and the box of a source that it shows."""

    file: str
    path: str
    target: tuple[Steps, ...]
    source: tuple[Steps, ...] | None
    """None: all of it, whose shape is not written down."""

    def met(self, selection: Selection) -> tuple[Met, ...]:
        """What of a selection lies in this box; LookupError if nothing does."""
        return tuple(
            _met(start, count, step, steps)
            for start, count, step, steps in zip(
                selection.starts, selection.counts, selection.steps, self.target
            )
        )

    def axes(self, shape: tuple[int, ...]) -> tuple[int | None, ...]:
        """For each axis of a source of that shape: the virtual one that goes with it."""
        source = self._box(shape)
        wide = [axis for axis, steps in enumerate(self.target) if steps.count != 1]
        if [self.target[axis].count for axis in wide] != [s.count for s in source if s.count != 1]:
            raise Irregular
        left = iter(wide)
        return tuple(None if steps.count == 1 else next(left) for steps in source)

    def key(self, met: tuple[Met, ...], shape: tuple[int, ...]) -> tuple[int | slice, ...]:
        """What of a source of that shape this is."""
        key: list[int | slice] = []
        for steps, axis in zip(self._box(shape), self.axes(shape)):
            if axis is None:
                key.append(steps.start)
                continue
            begin = steps.start + met[axis].first * steps.step
            step = met[axis].every * steps.step
            key.append(slice(begin, begin + (met[axis].count - 1) * step + 1, step))
        return tuple(key)

    def _box(self, shape: tuple[int, ...]) -> tuple[Steps, ...]:
        if self.source is None:
            return tuple(Steps(0, length) for length in shape)
        if len(shape) != len(self.source):
            raise Irregular
        if any(steps.last >= length for steps, length in zip(self.source, shape)):
            raise Irregular
        return self.source


def mappings(dataset: h5py.Dataset) -> list[Mapping]:
    """Of a virtual data set; `Irregular` if one of them is none."""
    plist = dataset.id.get_create_plist()
    try:
        return [_mapping(plist, at) for at in range(plist.get_virtual_count())]
    except RuntimeError as error:
        # Of a source of which nothing is selected, HDF5 cannot tell the bounds.
        raise Irregular from error


def _mapping(plist: Any, at: int) -> Mapping:
    names = plist.get_virtual_filename(at), plist.get_virtual_dsetname(at)
    if any("%" in name for name in names):
        raise Irregular
    target, space = plist.get_virtual_vspace(at), plist.get_virtual_srcspace(at)
    everything = space.get_select_type() == h5s.SEL_ALL
    return Mapping(
        os.fsdecode(names[0]), names[1], _steps(target), None if everything else _steps(space)
    )


def _steps(space: Any) -> tuple[Steps, ...]:
    if space.get_select_type() == h5s.SEL_ALL:
        return tuple(Steps(0, length) for length in space.shape)
    if space.get_select_type() != h5s.SEL_HYPERSLABS or not space.is_regular_hyperslab():
        raise Irregular
    return tuple(_regular(*each) for each in zip(*space.get_regular_hyperslab()))


def _regular(start: int, stride: int, count: int, block: int) -> Steps:
    if h5s.UNLIMITED in (count, block):
        raise Irregular
    if count == 1 or stride == block:
        return Steps(start, count * block)
    if block == 1:
        return Steps(start, count, stride)
    raise Irregular


def _met(start: int, count: int, step: int, steps: Steps) -> Met:
    period = steps.step // gcd(step, steps.step)
    begin = max(0, -((start - steps.start) // step))
    for first in range(begin, begin + period):
        away = start + first * step - steps.start
        if away % steps.step == 0:
            break
    else:
        raise LookupError
    end = min(count, (steps.last - start) // step + 1)
    if first >= end or away < 0:
        raise LookupError
    return Met(slice(first, end, period), away // steps.step, step * period // steps.step)
