"""Arrays of two dimensions as bytes: filtered and compressed if they have to be small."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from isal import isal_zlib

from .source import Array

LEVEL = 1
"""Of isal. 0 is no faster on filtered planes, and 2 no smaller."""
SAMPLED_ROWS = 16


@dataclass(frozen=True)
class Packed:
    """`filter` and `codec` are named as the wire names them."""

    filter: str
    codec: str
    payload: bytes


@dataclass(frozen=True)
class Candidate:
    """Filtered or not, and how many bytes it will take, as far as some of its rows tell."""

    filter: str
    data: Array
    expected: float

    def compressed(self) -> Packed:
        return Packed(self.filter, "deflate", isal_zlib.compress(self.data, LEVEL))


def pack(values: Array, limit: int) -> Packed:
    """As it is if that is small enough, since nothing is faster; otherwise as small as one quick
    try makes it. A limit of 0 is none."""
    if fits(values.nbytes, limit):
        return plain(values)
    return candidate(values).compressed()


def fits(nbytes: int, limit: int) -> bool:
    """A limit of 0 is none."""
    return not limit or nbytes <= limit


def plain(values: Array) -> Packed:
    """As it is."""
    return Packed("none", "none", values.tobytes())


def candidate(values: Array) -> Candidate:
    """Noise and drawings are smaller as they are, most else is with the filter."""
    values = np.ascontiguousarray(values)
    changed = filtered(values)
    every = -(-values.shape[0] // SAMPLED_ROWS)
    before = _sampled(values[::every])
    after = _sampled(changed[:, ::every])
    if before <= after:
        return Candidate("none", values, before * every)
    return Candidate("up" if values.itemsize == 1 else "planes", changed, after * every)


def unpack(packed: Packed, kind: np.dtype[Any], rows: int, columns: int) -> Array:
    """The values again."""
    payload = packed.payload
    if packed.codec == "deflate":
        payload = isal_zlib.decompress(payload)
    if packed.filter == "none":
        return np.frombuffer(payload, kind).reshape(rows, columns)
    planes = np.frombuffer(payload, np.uint8).reshape(kind.itemsize, rows, columns)
    values = np.add.accumulate(planes, axis=1, dtype=np.uint8)
    together = np.ascontiguousarray(np.moveaxis(values, 0, -1))
    return together.view(kind).reshape(rows, columns)


def filtered(values: Array) -> Array:
    """A plane of all first bytes, then one of all second bytes, …; in each of them, every row but
    the first is the difference to the row above it, modulo 256."""
    rows, columns = values.shape
    planes = values.view(np.uint8).reshape(rows, columns, values.itemsize)
    planes = np.moveaxis(planes, -1, 0)
    out = np.empty(planes.shape, np.uint8)
    out[:, :1] = planes[:, :1]
    np.subtract(planes[:, 1:], planes[:, :-1], out=out[:, 1:])
    return out


def _sampled(rows: Array) -> int:
    return len(isal_zlib.compress(np.ascontiguousarray(rows), LEVEL))
