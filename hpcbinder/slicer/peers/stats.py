"""h5grove's statistics of a selection, in pieces: the whole is never in memory."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ..catalogue.loading import lengths
from ..catalogue.plain import Array
from ..work import Work

PIECE_BYTES = 8 << 20
NONE = dict.fromkeys(("strict_positive_min", "positive_min", "min", "max", "mean", "std"))

Selection = tuple["int | slice", ...]


class Stats:
    """Grows with each piece."""

    def __init__(self) -> None:
        self._count = 0
        self._mean = 0.0
        self._squares = 0.0
        self._least: dict[str, Any] = {}
        self._most: Any = None

    def add(self, piece: Array) -> None:
        values = piece[np.isfinite(piece)] if piece.dtype.kind == "f" else piece.reshape(-1)
        if values.size == 0:
            return
        self._lower("min", values)
        self._lower("positive_min", values[values >= 0])
        self._lower("strict_positive_min", values[values > 0])
        most = values.max()
        self._most = most if self._most is None else max(self._most, most)
        # Chan's way to join the squares of two parts, without losing digits.
        exact = values.astype("f8")
        with np.errstate(over="ignore", invalid="ignore"):
            mean, count = float(exact.mean()), exact.size
            squares = float(((exact - mean) ** 2).sum())
        between = mean - self._mean
        total = self._count + count
        self._squares += squares + between * between * self._count * count / total
        self._mean += between * count / total
        self._count = total

    def _lower(self, name: str, values: Array) -> None:
        if values.size:
            least = values.min()
            self._least[name] = min(self._least.get(name, least), least)

    def told(self, whole: bool) -> dict[str, Any]:
        """Of whole numbers everything is a whole number, as h5grove has it."""
        if self._count == 0:
            return dict(NONE)
        cast: Callable[[Any], Any] = int if whole else float
        numbers = {
            **self._least,
            "max": self._most,
            "mean": self._mean,
            "std": math.sqrt(self._squares / self._count),
        }
        return {
            name: cast(numbers[name]) if name in numbers and math.isfinite(numbers[name]) else None
            for name in NONE
        }


def pieces(selection: Selection, itemsize: int, work: Work) -> Iterator[Selection]:
    """Parts of a selection that are not too large, cut along its first axes."""
    cut = _first(selection)
    if cut is None or math.prod(lengths(selection)) * itemsize <= PIECE_BYTES:
        yield selection
        return
    span = selection[cut]
    assert isinstance(span, slice)
    numbers = range(span.start, span.stop, span.step)
    middle = len(numbers) // 2
    for part in (numbers[:middle], numbers[middle:]):
        work.check()
        half = slice(part[0], part[-1] + 1, span.step)
        yield from pieces((*selection[:cut], half, *selection[cut + 1 :]), itemsize, work)


def _first(selection: Selection) -> int | None:
    """The first axis that has more than one place."""
    for axis, each in enumerate(selection):
        if isinstance(each, slice) and len(range(each.start, each.stop, each.step)) > 1:
            return axis
    return None
