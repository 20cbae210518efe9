"""Codes that fit into a number of bytes: with fewer levels if need be, then with fewer values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..work import Work
from .packing import Packed, candidate, fits, pack, plain
from .source import Array

TOPS = {8: 255, 16: 65535}
FEWEST_BITS = 4
"""With fewer levels than these, half as many rows and columns look better."""
MARGIN_BITS = 0.2
"""Compressed sizes fall a little less than levels do."""
HOPELESS = 1.02
"""How many times the limit, as expected from a sample, is more than the sample may be wrong."""


@dataclass(frozen=True)
class Fitted:
    """`every` is how many of the rows and columns are left: each, each second, …"""

    packed: Packed
    codes: Array
    bits: int
    levels: int
    every: int


def fit(encode: Callable[[int], Array], bits: int, limit: int, work: Work) -> Fitted:
    """`encode` makes the codes for a top one, as rows and columns in one piece."""
    if bits == 16:
        codes = encode(TOPS[16])
        packed, _ = _tried(codes, limit)
        if packed is not None:
            return Fitted(packed, codes, 16, TOPS[16], 1)
    codes = encode(TOPS[8])
    every = 1
    while True:
        work.check()
        part = np.ascontiguousarray(codes[::every, ::every])
        fitted = _with_fewer_levels(part, limit, every)
        if fitted is not None:
            return fitted
        if part.size <= 1:
            # A single value is sent whatever it takes.
            return Fitted(plain(part), part, 8, TOPS[8], every)
        every *= 2


def _with_fewer_levels(codes: Array, limit: int, every: int) -> Fitted | None:
    """As many levels as fit, by how much too large it was with all; None if those are too few."""
    packed, surplus = _tried(codes, limit)
    if packed is not None:
        return Fitted(packed, codes, 8, TOPS[8], every)
    bits = int(8 - surplus * 8 / codes.size - MARGIN_BITS)
    if bits < FEWEST_BITS:
        return None
    levels = (1 << bits) - 1
    # Several times as fast as taking from an array by index.
    translated = codes.tobytes().translate(coarser(levels).tobytes())
    codes = np.frombuffer(translated, np.uint8).reshape(codes.shape)
    packed = pack(codes, limit)
    return Fitted(packed, codes, 8, levels, every) if fits(len(packed.payload), limit) else None


def _tried(codes: Array, limit: int) -> tuple[Packed | None, float]:
    """Packed if that fits, and by how much it is too large otherwise. What will hardly fit is not
    even tried, since that takes longer than anything else."""
    if fits(codes.nbytes, limit):
        return plain(codes), 0
    tried = candidate(codes)
    if tried.expected > limit * HOPELESS:
        return None, tried.expected - limit
    packed = tried.compressed()
    surplus = len(packed.payload) - limit
    return (packed, 0) if surplus <= 0 else (None, surplus)


def coarser(levels: int) -> Array:
    """For each code the nearest one of so many, which still go from 1 to 255; 0 stays."""
    steps = np.rint(np.arange(255) / 254 * (levels - 1))
    table = np.zeros(256, np.uint8)
    table[1:] = 1 + np.rint(steps * 254 / (levels - 1))
    return table
