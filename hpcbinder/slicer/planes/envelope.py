"""From where to where the values of each bucket of a line go: no spike lies between two samples."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..errors import wrong
from ..work import Work
from .packing import pack
from .part import Part, resolve
from .rendering import etag
from .request import Number, PlaneRequest
from .selection import Selection, plan
from .source import Array, Source
from .spread import spread
from .stretch import Stretch
from .wire import Plane

MOST_BUCKETS = 1 << 14


@dataclass
class Envelope:
    """The least and the greatest value of each bucket of `size` values; NaN where it has none."""

    low: Array
    high: Array
    size: int
    least: Number | None = None
    greatest: Number | None = None
    finite: int = 0
    count: int = 0

    @classmethod
    def of(cls, values: int, size: int, dtype: np.dtype[Any]) -> Envelope:
        """Nothing is known of it yet."""
        kept = np.iinfo(dtype) if dtype.kind in "iu" else None
        ends = (kept.max, kept.min) if kept else (np.nan, np.nan)
        low, high = (np.full(-(-values // size), end, dtype) for end in ends)
        return cls(low, high, size)

    def add(self, first: int, values: Array) -> None:
        """Values from the place `first` on, which either begin a bucket or end within one."""
        bucket = first // self.size
        edges = np.arange(0, values.size, self.size)
        there = slice(bucket, bucket + edges.size)
        with np.errstate(all="ignore"):
            low, high = np.fmin.reduceat(values, edges), np.fmax.reduceat(values, edges)
            np.fmin(self.low[there], low, out=self.low[there])
            np.fmax(self.high[there], high, out=self.high[there])
        seen = spread(values)
        self.count += values.size
        self.finite += seen.finite
        if seen.low is not None and seen.high is not None:
            self.least = seen.low if self.least is None else min(self.least, seen.low)
            self.greatest = seen.high if self.greatest is None else max(self.greatest, seen.high)


def envelope(reader: Source, request: PlaneRequest, buckets: int, work: Work) -> Plane:
    """Two rows, the least and the greatest values of at most so many buckets.

    All values are read, piece by piece; of a line that is too long for that, some of each bucket.
    """
    if request.rows is not None:
        raise wrong("rows", "An envelope is one of a line: say “none”.")
    if not 1 <= buckets <= MOST_BUCKETS:
        raise wrong("buckets", f"There are between 1 and {MOST_BUCKETS}.")
    asked = replace(request, step=1)
    selection = plan(asked, reader.shape)
    part = resolve(reader.dtype, request.part)
    tag = etag(reader, asked)
    stretch = Stretch.of(reader, selection, buckets)
    found = Envelope.of(stretch.count, stretch.bucket, _drawn(reader, part))
    work.claim(4 * found.low.nbytes)
    for start, stop in stretch.pieces():
        work.check()
        window = (0, 1, stretch.start + start, stretch.start + stop)
        stored = reader.read(replace(selection, window=window).key, work)
        found.add(start, part.of(stored).reshape(-1))
        work.release(stored.nbytes)
    return _plane(found, stretch, selection, part, reader, f"{tag}-{stretch.bucket}")


def _drawn(reader: Source, part: Part) -> np.dtype[Any]:
    """The type that a part's values are computed with."""
    drawn: np.dtype[Any] = part.of(np.empty(0, reader.dtype)).dtype
    return drawn


def _plane(
    found: Envelope, stretch: Stretch, selection: Selection, part: Part, reader: Source, tag: str
) -> Plane:
    rows = np.stack([found.low, found.high])
    rows = rows.astype(rows.dtype.newbyteorder("<"), copy=False)
    packed = pack(rows, 0)
    known = found.least is not None
    longer = part.stored.kind == "f" and part.stored.itemsize > 8
    header = {
        "shape": list(rows.shape),
        "type": rows.dtype.str[1:],
        "codes": False,
        "bits": 0,
        "part": part.name,
        "stored": part.stored.str,
        "window": list(selection.window),
        "bucket": stretch.bucket,
        "range": [found.least, found.greatest] if known else None,
        "scale": "linear",
        "domain": [found.least, found.greatest] if known else [0, 1],
        "finite": found.finite,
        "count": found.count,
        "filter": packed.filter,
        "codec": packed.codec,
        "step": 1,
        "exact": not stretch.sampled and not longer,
        "etag": tag,
        "verified": reader.verified,
    }
    return Plane(header, packed.payload)
