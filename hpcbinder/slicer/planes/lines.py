"""Values along a line that somebody has drawn on a plane."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..errors import Refusal, wrong
from ..work import Work
from .packing import pack
from .part import resolve
from .rendering import etag
from .request import PlaneRequest
from .selection import Selection, plan
from .source import Array, Source
from .wire import Plane

MOST_POINTS = 1000
MOST_VALUES = 1 << 20
WINDOW_VALUES = 1 << 16
"""A slanting line is read in windows of at most so many values, since all of them are read."""

Point = tuple[float, float]


def parse_points(text: str) -> tuple[Point, ...]:
    """`row,column;row,column;…` in indices of the two axes, which need not be whole numbers."""
    points: list[Point] = []
    for pair in text.split(";"):
        try:
            row, column = (float(word) for word in pair.split(","))
        except ValueError:
            row = column = math.nan
        if not (math.isfinite(row) and math.isfinite(column)):
            raise _wrong(f"“{pair[:40]}” is no row and column, such as 12,34.5.")
        points.append((row, column))
    if not 2 <= len(points) <= MOST_POINTS:
        raise _wrong(f"A line has between 2 and {MOST_POINTS} points.")
    return tuple(points)


def profile(reader: Source, request: PlaneRequest, points: Sequence[Point], work: Work) -> Plane:
    """The exact values that lie nearest to the line, one for each row or column that it crosses.

    The header's `length` is in indices, from the first point to the last one along the line.
    """
    if request.rows is None:
        raise _wrong("A line is drawn on a plane: say which axis the rows are.")
    selection = plan(replace(request, window=None, step=1), reader.shape)
    part = resolve(reader.dtype, request.part)
    tag = etag(reader, replace(request, window=None, step=1))
    rows, columns = _crossed(points, selection.shape)
    work.claim(rows.size * (16 + part.stored.itemsize))
    pieces = []
    for piece in _windows(rows, columns):
        work.check()
        read = reader.read(_window(selection, rows[piece], columns[piece]).key, work)
        there = selection.arrange(part.of(read))
        row0, column0 = rows[piece].min(), columns[piece].min()
        pieces.append(there[rows[piece] - row0, columns[piece] - column0])
        work.release(read.nbytes)
    values = np.concatenate(pieces).reshape(1, -1)
    values = values.astype(values.dtype.newbyteorder("<"), copy=False)
    packed = pack(values, request.limit)
    header: dict[str, Any] = {
        "shape": list(values.shape),
        "type": values.dtype.str[1:],
        "codes": False,
        "bits": 0,
        "part": part.name,
        "stored": part.stored.str,
        "points": [list(point) for point in points],
        "length": sum(math.dist(one, next_one) for one, next_one in zip(points, points[1:])),
        "filter": packed.filter,
        "codec": packed.codec,
        "step": 1,
        "exact": True,
        "etag": tag,
        "verified": reader.verified,
    }
    return Plane(header, packed.payload)


def _crossed(points: Sequence[Point], plane: tuple[int, int]) -> tuple[Array, Array]:
    """Rows and columns of the values, in the order of the line."""
    sides: list[tuple[Array, Array]] = []
    total = 1
    for (row0, column0), (row1, column1) in zip(points, points[1:]):
        for place, size in (
            (row0, plane[0]),
            (column0, plane[1]),
            (row1, plane[0]),
            (column1, plane[1]),
        ):
            if not 0 <= math.floor(place + 0.5) < size:
                raise _wrong("The line leaves the plane.")
        many = max(1, math.ceil(max(abs(row1 - row0), abs(column1 - column0))))
        total += many
        if total > MOST_VALUES:
            raise _wrong("The line has too many values.")
        along = np.arange(many) / many
        sides.append((row0 + (row1 - row0) * along, column0 + (column1 - column0) * along))
    last_row, last_column = points[-1]
    sides.append((np.array([last_row]), np.array([last_column])))
    rows, columns = (np.concatenate(places) for places in zip(*sides))
    return np.floor(rows + 0.5).astype(np.int64), np.floor(columns + 0.5).astype(np.int64)


def _windows(rows: Array, columns: Array) -> Iterator[slice]:
    """Halved until the window around a part of the line is small; one along an axis is one."""
    waiting = [slice(0, rows.size)]
    while waiting:
        piece = waiting.pop()
        area = (np.ptp(rows[piece]) + 1) * (np.ptp(columns[piece]) + 1)
        if area <= WINDOW_VALUES or piece.stop - piece.start == 1:
            yield piece
            continue
        middle = (piece.start + piece.stop) // 2
        waiting += [slice(middle, piece.stop), slice(piece.start, middle)]


def _window(selection: Selection, rows: Array, columns: Array) -> Selection:
    edges = (rows.min(), rows.max() + 1, columns.min(), columns.max() + 1)
    row0, row1, column0, column1 = (int(edge) for edge in edges)
    return replace(selection, window=(row0, row1, column0, column1))


def _wrong(sentence: str) -> Refusal:
    return wrong("points", sentence, "Draw another line.")
