"""From values to codes: 0 is nothing, 1 to the top span the scale's domain.

Half a step is all that a code may be away from the truth. Single precision does where that is
certain, since it is twice as fast; differences of large whole numbers are taken before they are
floating point numbers. In between, a *place* is where on the codes' axis a value is.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from .scale import Scale, function
from .source import Array

BLOCK = 1 << 16
"""So many values go through all steps at once, within the processor's cache."""
SINGLE_KINDS = frozenset(("f4", "i1", "u1", "i2", "u2"))
"""Each of their values is one of single precision."""
SINGLE_RANGE = (1e-30, 1e30)
SINGLE_ERROR = 2.0**-23
TOLERATED = 0.002
"""Of a step: what single precision may add to the half that is rounded away."""
LEAST_FACTOR = 1e-290
NEARLY_LINEAR = 1e-9
"""A logarithm whose whole domain is narrower than this is a straight line."""
FIRST = 1.5
"""The place of the low end: 1, and a half since the fraction is cut off in the end."""


def to_codes(values: Array, scale: Scale, top: int, absent: Array | None) -> Array:
    """In the memory order of the values, so that none of the steps goes across it."""
    codes = np.empty_like(values, dtype=np.uint8 if top < 256 else np.uint16, subok=False)
    holes = absent is not None or scale.name == "log"
    with np.errstate(all="ignore"):
        for some, into in _blocks(values, codes):
            place = _place(some, scale, top - 1)
            np.clip(place, 1, top + 0.5, out=place)
            if holes:
                # NaN went through all that, and now is 0.
                np.fmax(place, 0, out=place)
            np.copyto(into, place, casting="unsafe")
    if absent is not None:
        np.copyto(codes, 0, where=absent)
    return codes


def _blocks(values: Array, codes: Array) -> Iterator[tuple[Array, Array]]:
    """The same parts of both, as they lie in memory."""
    if not (values.flags.c_contiguous or values.flags.f_contiguous):
        yield values, codes
        return
    flat, into = values.ravel(order="K"), codes.ravel(order="K")
    for start in range(0, flat.size, BLOCK):
        yield flat[start : start + BLOCK], into[start : start + BLOCK]


def _place(values: Array, scale: Scale, steps: int) -> Array:
    if scale.name == "log":
        return _logarithmic(values, scale, steps)
    if scale.threshold is not None:
        return _symmetric(values, scale, scale.threshold, steps)
    return _linear(values, scale, steps)


def _linear(values: Array, scale: Scale, steps: int) -> Array:
    low = float(scale.low)
    span = float(scale.high) - low
    if _single(values, span) and _single(values, steps / span):
        factor = steps / span
        # The low end is taken away after the stretching: its own rounding has to be far below.
        if abs(low) * factor * SINGLE_ERROR < TOLERATED and abs(low) < SINGLE_RANGE[1]:
            place = np.multiply(values, factor, dtype=np.float32)
            return np.add(place, FIRST - low * factor, out=place)
    if math.isinf(span):
        # Both ends are huge: a quarter of everything has the same places.
        quarters = np.multiply(values, 0.25, dtype=np.float64)
        np.subtract(quarters, low / 4, out=quarters)
        return _stretched(quarters, float(scale.high) / 4 - low / 4, steps)
    return _stretched(_above(values, scale.low), _exact_span(scale), steps)


def _logarithmic(values: Array, scale: Scale, steps: int) -> Array:
    low, ratio = float(scale.low), _ratio(scale)
    if ratio < 2:
        place = _above(values, scale.low)
        np.divide(place, low, out=place)
        width = _exact_span(scale) / low
        if width > NEARLY_LINEAR:
            np.log1p(place, out=place)
            width = math.log1p(width)
    elif steps < 256 and _single(values, low) and ratio < SINGLE_RANGE[1]:
        place = np.multiply(values, 1 / low, dtype=np.float32)
        np.log(place, out=place)
        width = math.log(ratio)
    else:
        place = np.log(values, dtype=np.float64)
        np.subtract(place, math.log(low), out=place)
        width = math.log(scale.high) - math.log(low)
    _stretched(place, width, steps)
    np.copyto(place, np.nan, where=values <= 0)
    return place


def _symmetric(values: Array, scale: Scale, threshold: float, steps: int) -> Array:
    low, high = function(scale, scale.low), function(scale, scale.high)
    if high - low <= NEARLY_LINEAR * max(1.0, abs(low)):
        return _linear(values, scale, steps)
    single = steps < 256 and _single(values, threshold) and high - low > 0.1
    place = values.astype(np.float32 if single else np.float64)
    np.abs(place, out=place)
    np.divide(place, threshold, out=place)
    np.log1p(place, out=place)
    # An unsigned number has no sign, and nothing is to be done about it.
    if values.dtype.kind != "u":
        np.negative(place, out=place, where=values < 0)
    np.subtract(place, low, out=place)
    return _stretched(place, high - low, steps)


def _single(values: Array, size: float) -> bool:
    """Whether single precision has all these values, and room for numbers of that size."""
    least, most = SINGLE_RANGE
    return values.dtype.str[1:] in SINGLE_KINDS and least < size < most


def _stretched(place: Array, width: float, steps: int) -> Array:
    """From what is between 0 and `width` to places."""
    if width > LEAST_FACTOR:
        np.multiply(place, steps / width, out=place)
    else:
        # One divided by it would be infinite.
        np.divide(place, width, out=place)
        np.multiply(place, steps, out=place)
    return np.add(place, FIRST, out=place)


def _above(values: Array, low: float) -> Array:
    """How much each value is above `low`, in double precision. Of 64-bit whole numbers, the
    difference is taken among whole numbers, which is exact beyond 2^53."""
    if values.dtype.kind not in "iu" or values.dtype.itemsize < 8:
        above: Array = np.subtract(values, float(low), dtype=np.float64)
        return above
    limits: Any = np.iinfo(values.dtype)
    base = min(max(math.floor(low), limits.min), limits.max)
    unsigned = np.subtract(values.astype(np.uint64), np.uint64(base % (1 << 64)))
    above = unsigned.astype(np.float64)
    np.copyto(above, -1.0, where=values < values.dtype.type(base))
    np.subtract(above, float(low - base), out=above)
    return above


def _exact_span(scale: Scale) -> float:
    return float(scale.high - scale.low)


def _ratio(scale: Scale) -> float:
    """Infinite if it is beyond what a number can be."""
    high, low = float(scale.high), float(scale.low)
    return high / low if low > high / 1e300 else math.inf
