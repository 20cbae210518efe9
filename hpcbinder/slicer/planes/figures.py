"""What the values of a part of a data set, or of all of it, are like."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ..work import Work
from .blocks import blocks_of
from .part import Part, resolve
from .request import Number
from .source import Array, Key, Source
from .spread import finite, percentiles
from .surveys import survey
from .tally import Tally, equal_bins

PERCENTILES = (1.0, 2.0, 5.0, 25.0, 50.0, 75.0, 95.0, 98.0, 99.0)
NAMES = tuple(f"{percent:g}" for percent in PERCENTILES)
BINS = 256
AT_ONCE = 1 << 23
"""Up to so many values are looked at together, and their percentiles are values of theirs."""
SECONDS = 0.5
"""How long one request goes on with what is known of a whole data set."""


@dataclass(frozen=True)
class Statistics:
    """Of finite values, but for `count` and `nan`. `histogram` is low, high, and how many values
    are in each of the equal bins between them."""

    count: int
    finite: int
    nan: int
    min: Number | None
    max: Number | None
    least_positive: Number | None
    mean: float | None
    percentiles: dict[str, Number]
    histogram: dict[str, Any] | None
    estimate: bool
    """Not everything has been seen: ask again, and more will have been."""
    seen: float
    """The share that has been, from 0 to 1."""
    etag: str
    verified: bool

    def as_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self)


def statistics(
    reader: Source,
    key: Key | None,
    work: Work,
    part: str = "",
    missing: tuple[Number, ...] = (),
    seconds: float = SECONDS,
) -> Statistics:
    """Of what `key` reads, exactly; without a key of the whole data set, as far as it is known
    after a moment of looking at more of it."""
    if key is None:
        begun = survey(reader, part, missing)
        known = begun.go_on(reader, work, seconds)
        # The same values, but more of them: that is another answer.
        tag = f"{begun.tag}-{known.tally.count}"
        return _of_tally(known.tally, reader, tag, known.seen, not known.complete)
    tag = reader.etag(key)
    shape = _shape(key)
    which = resolve(reader.dtype, part)
    if int(np.prod(shape, dtype=object)) <= AT_ONCE:
        work.claim(int(np.prod(shape)) * 2 * which.stored.itemsize)
        values = which.of(reader.read(key, work))
        return _at_once(values, missing, tag, reader)
    tally = _in_pieces(reader, key, which, missing, work)
    return _of_tally(tally, reader, tag, 1.0, False)


def _at_once(values: Array, missing: tuple[Number, ...], tag: str, reader: Source) -> Statistics:
    tally = Tally()
    tally.add(values, missing)
    there = finite(values, missing)
    found: dict[str, Number] = {}
    histogram = None
    if there.size:
        exact, _ = percentiles(there, PERCENTILES, most=AT_ONCE)
        found = dict(zip(NAMES, exact))
        low, high, counts = equal_bins(there, BINS)
        histogram = {"low": low, "high": high, "counts": counts}
    return _statistics(tally, found, histogram, tag, reader)


def _in_pieces(
    reader: Source, key: Key, part: Part, missing: tuple[Number, ...], work: Work
) -> Tally:
    """Piece by piece, none of which is kept."""
    tally = Tally()
    pieces = blocks_of(_shape(key), None)
    for turn in range(pieces.count):
        work.check()
        stored = reader.read(_within(key, pieces.key(turn)), work)
        tally.add(part.of(stored), missing)
        work.release(stored.nbytes)
    return tally


def _of_tally(tally: Tally, reader: Source, tag: str, seen: float, estimate: bool) -> Statistics:
    found: dict[str, Number] = {}
    histogram = None
    if tally.finite:
        within = np.clip(tally.histogram.percentiles(PERCENTILES), tally.low, tally.high)
        found = dict(zip(NAMES, within.tolist()))
        low, high, counts = tally.histogram.trimmed()
        histogram = {"low": low, "high": high, "counts": counts}
    return _statistics(tally, found, histogram, tag, reader, seen, estimate)


def _statistics(
    tally: Tally,
    found: dict[str, Number],
    histogram: dict[str, Any] | None,
    tag: str,
    reader: Source,
    seen: float = 1.0,
    estimate: bool = False,
) -> Statistics:
    return Statistics(
        count=tally.count,
        finite=tally.finite,
        nan=tally.nan,
        min=tally.low,
        max=tally.high,
        least_positive=tally.least_positive,
        mean=tally.mean if tally.finite else None,
        percentiles=found,
        histogram=histogram,
        estimate=estimate,
        seen=seen,
        etag=tag,
        verified=reader.verified,
    )


def _shape(key: Key) -> tuple[int, ...]:
    """Of what a key reads."""
    return tuple(len(_range(part)) for part in key if isinstance(part, slice))


def _within(key: Key, inner: Key) -> Key:
    """The key of a part of what a key reads."""
    parts = iter(inner)
    return tuple(_part(whole, next(parts)) if isinstance(whole, slice) else whole for whole in key)


def _part(whole: slice, inner: int | slice) -> slice:
    assert isinstance(inner, slice)
    part = _range(whole)[inner]
    return slice(part.start, part.stop, part.step)


def _range(part: slice) -> range:
    return range(part.start, part.stop, part.step or 1)
