"""The formats in which h5grove gives data."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import numpy as np

from ..catalogue.loading import refuse_too_many
from ..catalogue.plain import Array, Plain
from ..errors import Refusal
from ..exporting.tiff import beginning
from ..process.answer import Answer
from ..work import Work

# A number of CSV as text, roughly.
CSV_BYTES = 26


def in_json(value: Any) -> Answer:
    """What is plain already."""
    return Answer(json.dumps(value, separators=(",", ":"), allow_nan=False).encode())


def encode(array: Array | None, form: str | None, plain: Plain, work: Work) -> Answer:
    """An array, or None for an empty data set, in one of the formats."""
    if form in (None, "", "json"):
        refuse_too_many(0 if array is None else array.size)
        return in_json(None if array is None else plain.nested(array))
    write = FORMATS.get(form or "")
    if write is None:
        raise Refusal(422, f"Unsupported encoding {form}.", "", "format")
    if array is None or array.dtype.hasobject:
        raise _refused(form, "values of any length" if array is not None else "empty data sets")
    if form != "bin" and array.dtype.kind not in "biufc":
        raise _refused(form, "non-numeric content")
    work.claim(array.size * (CSV_BYTES if form == "csv" else array.dtype.itemsize))
    return write(array)


def safe(array: Array) -> Array:
    """Numbers as the typed arrays of JavaScript hold them."""
    dtype = array.dtype
    if dtype.kind not in "biufc":
        raise Refusal(422, "Unsupported dtype safe for non-numeric data.", "", "dtype")
    if dtype.kind == "f" and dtype.itemsize not in (4, 8):
        dtype = np.dtype("<f4" if dtype.itemsize < 4 else "<f8")
    return array.astype(dtype.newbyteorder("<"), order="C", copy=False)


def _bin(array: Array) -> Answer:
    return Answer(array.tobytes(), "application/octet-stream")


def _npy(array: Array) -> Answer:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return _file(buffer.getvalue(), "application/octet-stream", "npy")


def _csv(array: Array) -> Answer:
    if array.ndim not in (1, 2):
        raise _refused("csv", f"{array.ndim} axes")
    buffer = io.BytesIO()
    np.savetxt(buffer, array, delimiter=",")
    return _file(buffer.getvalue(), "text/csv", "csv")


def _tiff(array: Array) -> Answer:
    if array.ndim != 2 or array.size == 0 or array.dtype.kind == "c":
        raise _refused("tiff", "what is no picture of one channel")
    pixels = array.astype("u1") if array.dtype.kind == "b" else safe(array)
    rows, columns = pixels.shape
    return _file(beginning(rows, columns, pixels.dtype) + pixels.tobytes(), "image/tiff", "tiff")


def _file(body: bytes, kind: str, ending: str) -> Answer:
    return Answer(
        body, kind, headers={"Content-Disposition": f'attachment; filename="data.{ending}"'}
    )


def _refused(form: str | None, what: str) -> Refusal:
    return Refusal(422, f"Unsupported encoding {form} for {what}.", "", "format")


FORMATS: dict[str, Callable[[Array], Answer]] = {
    "bin": _bin,
    "npy": _npy,
    "csv": _csv,
    "tiff": _tiff,
}
