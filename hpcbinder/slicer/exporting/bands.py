"""The values of a plane from its first row to its last, of which only some are held at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ..planes.part import resolve
from ..planes.selection import Selection
from ..planes.source import Array, Source
from ..work import Work

BAND_VALUES = 1 << 19
MOST_VALUES = 1 << 23
"""A band has whole chunks, so that none is decoded twice, up to so many values."""

Take = Callable[[Array], Array]


def taking(dtype: np.dtype[Any], part: str) -> tuple[Take, np.dtype[Any]]:
    """How a stored value becomes one of the export, and its type. Without a part it stays whole."""
    if not part:
        return (lambda values: values), bare(dtype.newbyteorder("<"))
    which = resolve(dtype, part)
    return which.of, which.of(np.empty(0, dtype)).dtype.newbyteorder("<")


def bands(reader: Source, selection: Selection, take: Take, work: Work) -> Iterator[Array]:
    """Rows and columns, little-endian, in one piece of memory each."""
    for band in selection.bands(_band_values(reader, selection)):
        work.check()
        read = reader.read(band.key, work)
        values = np.ascontiguousarray(selection.arrange(take(read)))
        yield values.astype(values.dtype.newbyteorder("<"), copy=False)
        work.release(read.nbytes)


def bare(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Without what h5py notes beside a type, which files have no room for."""
    if dtype.subdtype is not None:
        base, shape = dtype.subdtype
        return np.dtype((bare(base), shape))
    if dtype.names is None or dtype.fields is None:
        return np.dtype(dtype.str)
    fields = [dtype.fields[name] for name in dtype.names]
    return np.dtype(
        {
            "names": dtype.names,
            "formats": [bare(field[0]) for field in fields],
            "offsets": [field[1] for field in fields],
            "itemsize": dtype.itemsize,
        }
    )


def _band_values(reader: Source, selection: Selection) -> int:
    if reader.chunks is None or selection.rows is None:
        return BAND_VALUES
    row = max(1, selection.shape[1])
    rows = -(-reader.chunks[selection.rows] // selection.step)
    bands = max(1, BAND_VALUES // (row * rows))
    return min(row * rows * bands, MOST_VALUES)
