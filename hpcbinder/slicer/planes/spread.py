"""From where to where the values of a plane go, and which of them are none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .request import Number
from .source import Array

PERCENTILE_SAMPLE = 1 << 20
"""Percentiles of more values than this are those of every n-th one."""


@dataclass(frozen=True)
class Spread:
    """Of the finite values: how many, the least and the greatest. `absent` says where nothing is
    (NaN and what stands for nothing), or None if something is everywhere."""

    finite: int
    low: Number | None
    high: Number | None
    absent: Array | None


def spread(values: Array, missing: Sequence[Number] = ()) -> Spread:
    """One look at all values; two if some are not finite."""
    if values.size == 0:
        return Spread(0, None, None, None)
    markers = _markers(values, missing)
    with np.errstate(all="ignore"):
        # A NaN anywhere comes out of both, and an infinity of one of them.
        low, high = values.min(), values.max()
        if np.isfinite(low) and np.isfinite(high) and not len(markers):
            return Spread(values.size, low.item(), high.item(), None)
        absent = _absent(values, markers)
        many = np.count_nonzero(absent)
        if many < values.size and values.dtype.kind == "f" and not len(markers):
            # Without the NaN, which is quicker than taking out the others.
            low, high = np.fmin.reduce(values, axis=None), np.fmax.reduce(values, axis=None)
            if np.isfinite(low) and np.isfinite(high):
                return Spread(values.size - int(many), low.item(), high.item(), absent)
        there = values[np.isfinite(values) & ~absent]
    some = absent if many else None
    if there.size == 0:
        return Spread(0, None, None, some)
    return Spread(there.size, there.min().item(), there.max().item(), some)


def finite(values: Array, missing: Sequence[Number] = ()) -> Array:
    """The finite values as one row, without what stands for nothing."""
    markers = _markers(values, missing)
    if values.dtype.kind != "f" and not len(markers):
        return values.reshape(-1)
    return values[np.isfinite(values) & ~_absent(values, markers)]


def percentiles(
    there: Array, asked: Sequence[float], most: int = PERCENTILE_SAMPLE
) -> tuple[list[Number], bool]:
    """Of finite values, each one a value that there is; and whether it is of a sample."""
    every = -(-there.size // most)
    sample = there[::every]
    places = [round(percent / 100 * (sample.size - 1)) for percent in asked]
    ordered = np.partition(sample, sorted(set(places)))
    return [ordered[place].item() for place in places], every > 1


def _markers(values: Array, missing: Sequence[Number]) -> Array:
    """What stands for nothing, as the values' own type has it."""
    kind = values.dtype
    if kind.kind == "f":
        with np.errstate(all="ignore"):
            return np.array([float(number) for number in missing], dtype=kind)
    limits = np.iinfo(kind)
    fitting = [
        int(number)
        for number in missing
        if number == int(number) and limits.min <= number <= limits.max
    ]
    return np.array(fitting, dtype=kind)


def _absent(values: Array, markers: Array) -> Array:
    absent = np.isnan(values) if values.dtype.kind == "f" else np.zeros(values.shape, bool)
    for marker in markers:
        absent |= values == marker
    return absent
