"""The span of values that the codes stand for, and the function between them."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .request import Limits, Number, Percentiles, PlaneRequest
from .source import Array
from .spread import Spread, finite, percentiles

LARGEST = float(np.finfo(np.float64).max)
NARROWEST_THRESHOLD = 1e-12
"""Of the domain. Nearer to zero, nothing that is on a screen can be told from it."""


@dataclass(frozen=True)
class Scale:
    """Codes go from `low` to `high`, linearly after the scale's function: the value itself, its
    logarithm, or sign(v) * log1p(|v| / threshold)."""

    name: str
    low: Number
    high: Number
    threshold: float | None = None
    estimate: bool = False
    """It comes from a sample, and may be another one later."""

    def header(self) -> dict[str, Any]:
        """What a reader of the codes has to know."""
        about: dict[str, Any] = {"scale": self.name, "domain": [self.low, self.high]}
        if self.threshold is not None:
            about["threshold"] = self.threshold
        if self.estimate:
            about["domain_estimate"] = True
        return about


def scale_of(
    request: PlaneRequest, values: Array, seen: Spread, dataset: Limits | None, estimate: bool
) -> Scale:
    """The scale that is asked for. `dataset` is the whole data set's range, where it was asked."""
    estimated = False
    domain: tuple[Number, Number] | None
    if isinstance(request.domain, Percentiles):
        domain, estimated = _between(request, values)
    elif isinstance(request.domain, Limits):
        domain = request.domain
    elif request.domain == "dataset":
        domain, estimated = dataset, estimate
    else:
        domain = None if seen.low is None or seen.high is None else (seen.low, seen.high)
    if domain is None:
        domain = (1, 10) if request.scale == "log" else (0, 1)
    if request.scale == "log":
        domain = _positive(domain, values, request)
    low, high = widened(*domain)
    scale = Scale(request.scale, low, high, estimate=estimated)
    if request.scale != "symlog":
        return scale
    largest = min(max(abs(float(low)), abs(float(high))), LARGEST)
    asked = request.threshold or largest / 1000
    return replace(scale, threshold=max(asked, largest * NARROWEST_THRESHOLD, 5e-324))


def _between(request: PlaneRequest, values: Array) -> tuple[tuple[Number, Number] | None, bool]:
    assert isinstance(request.domain, Percentiles)
    there = finite(values, request.missing)
    if request.scale == "log":
        there = there[there > 0]
    if there.size == 0:
        return None, False
    (low, high), sampled = percentiles(there, request.domain)
    return (low, high), sampled


def _positive(
    domain: tuple[Number, Number], values: Array, request: PlaneRequest
) -> tuple[Number, Number]:
    """A logarithm has no zero: from the least value above it, if that is where it would begin."""
    low, high = domain
    if high <= 0:
        return 1, 10
    if low > 0:
        return low, high
    there = finite(values, request.missing)
    above = there[there > 0]
    least = above.min().item() if above.size else high
    return (least, high) if least < high else (high / 1000 or high, high)


def widened(low: Number, high: Number) -> tuple[Number, Number]:
    """A single value gets room on both sides, such that it lies in the middle, exactly."""
    if low < high:
        return low, high
    if low == 0:
        return -0.5, 0.5
    room = abs(float(low)) / 2
    if isinstance(low, int) and room >= 1 << 52:
        return low - int(room), low + int(room)
    return max(low - room, -LARGEST), min(low + room, LARGEST)


def function(scale: Scale, value: Number) -> float:
    """The scale's function of one number."""
    if scale.name == "log":
        return math.log10(value)
    if scale.threshold is not None:
        return math.copysign(math.log1p(abs(value) / scale.threshold), value)
    return float(value)


def inverse(scale: Scale, fraction: Array) -> Array:
    """The values that lie at a fraction of the way from low to high: what codes stand for."""
    low, high = function(scale, scale.low), function(scale, scale.high)
    # Each end times its own weight: the difference of two large numbers may be infinite.
    between = low * (1 - fraction) + high * fraction
    if scale.name == "log":
        return np.asarray(10.0**between)
    if scale.threshold is not None:
        return np.asarray(np.copysign(np.expm1(np.abs(between)) * scale.threshold, between))
    return np.asarray(between)
