"""Comma-separated values: one line for each row, and of a line of values one for each of them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..errors import Refusal
from ..planes.request import PlaneRequest
from ..planes.selection import Selection
from ..planes.source import Array, Source
from ..work import Work
from .bands import bands, taking


def text(
    reader: Source, request: PlaneRequest, selection: Selection, work: Work
) -> Iterator[bytes]:
    """Each number has as many digits as are needed to get exactly it back."""
    take, dtype = taking(reader.dtype, request.part)
    if dtype.names is None:
        return _rows(bands(reader, selection, take, work), selection.rows is None)
    if selection.rows is not None:
        raise Refusal(
            400,
            "A plane of compound values does not fit into a table.",
            f"Choose one of the fields: {', '.join(dtype.names[:20])}.",
            "type",
        )
    return _records(bands(reader, selection, take, work), dtype.names)


def _rows(pieces: Iterator[Array], down: bool) -> Iterator[bytes]:
    for piece in pieces:
        rows = piece.reshape(-1, 1) if down else piece
        if rows.dtype.kind in "OSUV":
            yield _quoted([_word(value) for value in row] for row in rows.tolist())
        else:
            yield "".join(",".join(_numbers(row)) + "\n" for row in rows).encode()


def _records(pieces: Iterator[Array], names: tuple[str, ...]) -> Iterator[bytes]:
    """A column for each field."""
    yield _quoted([list(names)])
    for piece in pieces:
        columns = [_column(piece[name].reshape(piece.size, -1)) for name in names]
        yield _quoted([list(row) for row in zip(*columns)])


def _column(values: Array) -> list[str]:
    """What is more than one number stands in one cell, with spaces between."""
    if values.dtype.kind in "OSUV":
        return [" ".join(map(_word, row)) for row in values.tolist()]
    return [" ".join(_numbers(row)) for row in values]


def _numbers(row: Array) -> list[str]:
    if row.dtype.kind == "c":
        return [repr(value).strip("()") for value in row.tolist()]
    if row.dtype.kind == "f" and row.dtype.itemsize != 8:
        # NumPy knows how few digits are enough for this type.
        words: list[str] = row.astype("U").tolist()
        return words
    return list(map(repr, row.tolist()))


def _word(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, np.ndarray):
        return " ".join(_word(one) for one in value.tolist())
    return str(value)


def _quoted(rows: Any) -> bytes:
    written = io.StringIO()
    csv.writer(written, lineterminator="\n").writerows(rows)
    return written.getvalue().encode("utf-8", "replace")
