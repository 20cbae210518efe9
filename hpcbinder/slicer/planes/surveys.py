"""What is known of whole data sets: a little at once, exactly once all of it has been seen.

A survey goes on where it was left whenever somebody asks, for as long as that request may take, and
nothing happens in between. It begins anew when the data set has changed.
"""

from __future__ import annotations

import copy
import threading
import time
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from ..work import Work
from .blocks import blocks_of
from .part import resolve
from .request import Limits, Number, PlaneRequest
from .source import Source
from .spread import Spread
from .tally import Tally

FIRST_SECONDS = 0.1
"""How long a picture waits for a first estimate."""
SEEN_BY_ONE = 64
"""Surveys of one data set, of its parts and of what stands for nothing."""

Kind = tuple[str, tuple[Number, ...]]


@dataclass(frozen=True)
class Known:
    """What a survey has come to, which goes on while this is told."""

    tally: Tally
    seen: float
    complete: bool


class Survey:
    """Of one part of one data set as it is now."""

    def __init__(self, reader: Source, part: str, missing: tuple[Number, ...], tag: str) -> None:
        self.shape = reader.shape
        self.tag = tag
        self.tally = Tally()
        self._blocks = blocks_of(reader.shape, reader.chunks)
        self._part = resolve(reader.dtype, part)
        self._missing = missing
        self._turn = 0
        self._lock = threading.Lock()

    @property
    def complete(self) -> bool:
        return self._turn >= self._blocks.count

    @property
    def seen(self) -> float:
        """The share of the data set that is known, from 0 to 1."""
        return self._turn / self._blocks.count if self._blocks.count else 1.0

    def go_on(self, reader: Source, work: Work, seconds: float) -> Known:
        """For so many seconds, and at least one block. Others who ask meanwhile wait, and find
        that it has come further."""
        end = time.monotonic() + seconds
        with self._lock:
            while not self.complete:
                work.check()
                stored = reader.read(self._blocks.key(self._turn), work)
                self.tally.add(self._part.of(stored), self._missing)
                work.release(stored.nbytes)
                self._turn += 1
                if time.monotonic() >= end:
                    break
            return Known(copy.deepcopy(self.tally), self.seen, self.complete)


_surveys: WeakKeyDictionary[Any, dict[Kind, Survey]] = WeakKeyDictionary()
_lock = threading.Lock()


def survey(reader: Source, part: str, missing: tuple[Number, ...]) -> Survey:
    """The one that there is, unless the data set has changed since."""
    tag = reader.etag(tuple(slice(0, size, 1) for size in reader.shape))
    with _lock:
        of_reader = _surveys.setdefault(reader, {})
        found = of_reader.get((part, missing))
        if found is None or found.tag != tag or found.shape != reader.shape:
            if len(of_reader) >= SEEN_BY_ONE:
                of_reader.clear()
            found = of_reader[(part, missing)] = Survey(reader, part, missing, tag)
        return found


def domain(
    reader: Source, request: PlaneRequest, seen: Spread, work: Work
) -> tuple[Limits | None, bool]:
    """The data set's range as far as it is known, together with what is shown; and whether it is
    an estimate."""
    found = survey(reader, request.part, request.missing)
    if not found.complete and found.tally.count == 0:
        found.go_on(reader, work, FIRST_SECONDS)
    # Looked at first: somebody else may complete it while the rest is.
    estimate = not found.complete
    tally = found.tally
    low = tally.least_positive if request.scale == "log" else tally.low
    ends = [end for end in (low, tally.high, seen.high) if end is not None]
    if seen.low is not None and (request.scale != "log" or seen.low > 0):
        ends.append(seen.low)
    return (Limits(min(ends), max(ends)) if ends else None), estimate


def known(reader: Source, request: PlaneRequest) -> tuple[Number | None, Number | None, bool]:
    """What a picture with the data set's domain depends on."""
    found = survey(reader, request.part, request.missing)
    return found.tally.low, found.tally.high, found.complete
