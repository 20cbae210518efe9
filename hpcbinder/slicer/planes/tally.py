"""Counts over values that come in pieces, none of which is kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from .request import Number
from .scale import LARGEST, widened
from .source import Array
from .spread import finite

BINS = 4096
SCALED = 1 / 16
"""The histogram is kept of sixteenths, so that its edges stay finite whatever the values are."""


@dataclass
class Histogram:
    """Counts in equal bins from `low` to `high`, which double until everything is inside."""

    low: float = 0.0
    high: float = 0.0
    counts: Array = field(default_factory=lambda: np.zeros(BINS, np.int64))

    def add(self, values: Array) -> None:
        """Finite values, at least one."""
        scaled = np.multiply(values, SCALED, dtype=np.float64)
        low, high = float(scaled.min()), float(scaled.max())
        if self.low == self.high:
            room = max((high - low) / 64, abs(low) * 1e-6, 1e-300)
            self.low, self.high = low - room, high + room
        if low < self.low:
            self._double(self.high - low, below=True)
        if high > self.high:
            self._double(high - self.low, below=False)
        places = (scaled - self.low) * (BINS / (self.high - self.low))
        bins = np.clip(places, 0, BINS - 1).astype(np.int64)
        self.counts += np.bincount(bins, minlength=BINS)

    def _double(self, width: float, below: bool) -> None:
        """As often as it takes to be so wide. The bins of before become one or some at an end."""
        span, pairs = self.high - self.low, 1
        while span < width:
            span *= 2
            pairs = min(pairs * 2, BINS)
        merged = self.counts.reshape(-1, pairs).sum(axis=1)
        self.counts = np.zeros(BINS, np.int64)
        if below:
            self.low = self.high - span
            self.counts[-merged.size :] = merged
        else:
            self.high = self.low + span
            self.counts[: merged.size] = merged

    def percentiles(self, asked: Sequence[float]) -> list[float]:
        """Each to within a bin."""
        total = np.cumsum(self.counts)
        width = (self.high - self.low) / BINS
        places = [int(np.searchsorted(total, percent / 100 * total[-1])) for percent in asked]
        return [(self.low + (min(place, BINS - 1) + 0.5) * width) / SCALED for place in places]

    def trimmed(self) -> tuple[float, float, list[int]]:
        """From the first bin that has something to the last."""
        there = np.flatnonzero(self.counts)
        first, last = int(there[0]), int(there[-1]) + 1
        width = (self.high - self.low) / BINS
        low, high = ((self.low + edge * width) / SCALED for edge in (first, last))
        return max(low, -LARGEST), min(high, LARGEST), self.counts[first:last].tolist()


@dataclass
class Tally:
    """What is known of the values so far."""

    count: int = 0
    finite: int = 0
    nan: int = 0
    low: Number | None = None
    high: Number | None = None
    least_positive: Number | None = None
    mean: float = 0.0
    histogram: Histogram = field(default_factory=Histogram)

    def add(self, values: Array, missing: Sequence[Number]) -> None:
        """Values of any shape."""
        there = finite(values, missing)
        self.count += values.size
        if values.dtype.kind == "f":
            self.nan += int(np.isnan(values).sum())
        if there.size == 0:
            return
        low, high = there.min().item(), there.max().item()
        self.low = low if self.low is None else min(self.low, low)
        self.high = high if self.high is None else max(self.high, high)
        self._add_positive(there, low, high)
        before = self.finite
        self.finite += there.size
        # The mean of the means: a sum of all values could be infinite.
        share = there.size / self.finite
        mean = self.mean * (before / self.finite) + mean_of(there) * share
        self.mean = min(max(mean, float(self.low)), float(self.high))
        self.histogram.add(there)

    def _add_positive(self, there: Array, low: Number, high: Number) -> None:
        if high <= 0:
            return
        least = low if low > 0 else there[there > 0].min().item()
        known = self.least_positive
        self.least_positive = least if known is None else min(known, least)


def equal_bins(there: Array, bins: int) -> tuple[Number, Number, list[int]]:
    """How many of finite values are in each bin from the least to the greatest."""
    low, high = widened(there.min().item(), there.max().item())
    scaled = np.multiply(there, SCALED, dtype=np.float64)
    start, end = float(low) * SCALED, float(high) * SCALED
    # Whole numbers beyond 2^53 may be the same as floating point numbers.
    places = (scaled - start) / max(end - start, 5e-324) * bins
    inside = np.clip(places, 0, bins - 1).astype(np.int64)
    return low, high, np.bincount(inside, minlength=bins).tolist()


def mean_of(there: Array) -> float:
    """In double precision, also of values whose sum would be beyond it."""
    with np.errstate(over="ignore"):
        mean = float(there.mean(dtype=np.float64))
    if np.isfinite(mean):
        return mean
    return 2 * float((there / 2 / there.size).sum(dtype=np.float64))
