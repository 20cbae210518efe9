"""NumPy's own format, with the values and their type as they are stored."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.lib import format as npy_format

from ..errors import Refusal
from ..planes.part import describe
from ..planes.request import PlaneRequest
from ..planes.selection import Selection
from ..planes.source import Source
from ..work import Work
from .bands import bands, taking


def npy(reader: Source, request: PlaneRequest, selection: Selection, work: Work) -> Iterator[bytes]:
    """A header, then row after row. A line has one dimension."""
    take, dtype = taking(reader.dtype, request.part)
    if dtype.hasobject:
        raise Refusal(
            400,
            f"NumPy's format has no values of the type {describe(dtype)}.",
            "Export the table as CSV.",
            "type",
        )
    shape = selection.shape[1:] if selection.rows is None else selection.shape
    return _pieces(
        _header(shape, dtype),
        (band.astype(dtype, copy=False) for band in bands(reader, selection, take, work)),
    )


def _pieces(header: bytes, arrays: Iterator[Any]) -> Iterator[bytes]:
    yield header
    for array in arrays:
        yield array.tobytes()


def _header(shape: tuple[int, ...], dtype: np.dtype[Any]) -> bytes:
    described = {
        "descr": npy_format.dtype_to_descr(dtype),
        "fortran_order": False,
        "shape": shape,
    }
    written = io.BytesIO()
    npy_format.write_array_header_2_0(written, described)
    return written.getvalue()
