"""NumPy's values as what JSON can hold, without changing any.

JSON has no NaN, and a browser no integers beyond 2^53: those travel as text.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import h5py
import numpy as np

from ..files import names
from ..files.damage import FAILURES
from ..work import Work

SAFE_INTEGER = 1 << 53
# What a value takes in memory as Python's object and then as text, roughly.
BYTES_A_VALUE = 100

Array = np.ndarray[Any, Any]


class Plain:
    """Makes values plain; references are named in the file that they are of.

    With `loose`, as other servers do it: no NaN but null, and all integers as numbers.
    """

    def __init__(self, file: h5py.File, work: Work, loose: bool = False) -> None:
        self._file = file
        self._work = work
        self._loose = loose

    def nested(self, array: Array) -> Any:
        """Lists in lists as the array's shape says; a scalar as itself."""
        return _folded(self._items(array.reshape(-1)), array.shape)

    def _items(self, flat: Array) -> list[Any]:
        """One plain value for each element."""
        self._work.check()
        self._work.claim(BYTES_A_VALUE * flat.size)
        kind = flat.dtype.kind
        if flat.dtype.names is not None:
            return self._compound(flat)
        if kind in "iu":
            return flat.tolist() if self._loose else _integers(flat)
        if kind == "f":
            return self._floats(flat)
        if kind == "c":
            return [list(pair) for pair in zip(self._floats(flat.real), self._floats(flat.imag))]
        if kind == "S":
            return [_text(value) for value in flat.tolist()]
        if kind == "O":
            return [self._object(value) for value in flat]
        if kind == "V":
            return [{"hex": each.tobytes().hex(), "bytes": flat.dtype.itemsize} for each in flat]
        if kind in "mM":
            return [str(value) for value in flat]
        return flat.tolist()  # type: ignore[no-any-return]

    def _compound(self, flat: Array) -> list[Any]:
        columns = []
        for name in flat.dtype.names or ():
            values = flat[name]
            inner = values.shape[1:]
            # An array within: as many plain values as it has, for each element.
            items = self._items(values.reshape(-1))
            each = int(np.prod(inner, dtype=np.int64))
            columns.append(
                [_folded(items[at * each : (at + 1) * each], inner) for at in range(flat.size)]
                if inner
                else items
            )
        return [list(row) for row in zip(*columns)] if columns else [[] for _ in range(flat.size)]

    def _floats(self, flat: Array) -> list[Any]:
        values: list[Any]
        if flat.dtype.itemsize == 8:
            values = flat.tolist()
        elif flat.dtype.itemsize < 8:
            # The shortest text that means this number in its own precision: not 0.10000000149.
            values = [_short(each, text) for each, text in zip(flat.tolist(), flat.astype("U32"))]
        else:
            values = [float(each) if self._loose else _long_double(each) for each in flat]
        if bool(np.isfinite(flat).all()):
            return values
        finite = np.isfinite(flat).tolist()
        odd = (lambda value: None) if self._loose else _odd
        return [each if good else odd(each) for each, good in zip(values, finite)]

    def _object(self, value: Any) -> Any:
        """What h5py gives as an object of Python: text, lists, references."""
        if isinstance(value, bytes):
            self._work.claim(len(value))
            return _text(value)
        if isinstance(value, str):
            return value
        if isinstance(value, np.ndarray):
            return self.nested(value)
        if self._loose and isinstance(value, (h5py.Reference, h5py.RegionReference)):
            return str(value)
        if isinstance(value, h5py.RegionReference):
            return {"reference": self._target(value), "region": self._region(value)}
        if isinstance(value, h5py.Reference):
            return {"reference": self._target(value)}
        if isinstance(value, (np.generic, int, float, complex)):
            return self.nested(np.asarray(value))
        return None

    def _target(self, reference: h5py.Reference) -> str | None:
        if not reference:
            return None
        try:
            name = h5py.h5r.get_name(reference, self._file.id)
        except FAILURES:
            return None
        return None if name is None else names.written(name)

    def _region(self, reference: h5py.RegionReference) -> dict[str, Any] | None:
        if not reference:
            return None
        try:
            space = h5py.h5r.get_region(reference, self._file.id)
            first, end = space.get_select_bounds()
            return {
                "first": [int(number) for number in first],
                "last": [int(number) for number in end],
                "points": int(space.get_select_npoints()),
            }
        except FAILURES:
            return None


def _integers(flat: Array) -> list[Any]:
    values: list[int] = flat.tolist()
    if flat.dtype.itemsize < 8:
        return values
    return [each if -SAFE_INTEGER <= each <= SAFE_INTEGER else str(each) for each in values]


def _short(value: float, shortest: str) -> float:
    """A number of few digits: 0.1 and not 0.10000000149, but 65504 and not 65500."""
    whole = abs(value) < 1e15 and value == int(value)
    return value if whole else float(shortest)


def _long_double(value: Any) -> float | str:
    near = float(value)
    return near if near == value or value != value else str(value)


def _odd(value: float) -> str:
    if value != value:
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"


def _text(value: bytes) -> str:
    # Fixed lengths are filled up with NUL or, from Fortran, with blanks, which stay.
    return value.rstrip(b"\0").decode("utf-8", "backslashreplace")


def _folded(items: list[Any], shape: Sequence[int]) -> Any:
    """A flat list as nested ones."""
    if not shape:
        return items[0]
    for length in reversed(shape[1:]):
        if length == 0:
            return _hollow(shape)
        items = [items[at : at + length] for at in range(0, len(items), length)]
    return items


def _hollow(shape: Sequence[int]) -> list[Any]:
    """Nested lists where an axis has no length."""
    if shape[0] == 0 or len(shape) == 1:
        return []
    return [_hollow(shape[1:]) for _ in range(shape[0])]
