"""HDF5's types as JSON: what a value is, for programs and in a few words for people."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import h5py
import numpy as np
from h5py import h5t

from ..files.damage import FAILURES, printable

# A hostile file can nest types and name members without an end.
DEEPEST = 12
MOST_MEMBERS = 2000

Type = dict[str, Any]


def describe(type_id: h5t.TypeID, depth: int = 0) -> Type:
    """One type, and those that it is made of."""
    if depth > DEEPEST:
        return {"class": "other", "text": "more types within types than are shown", "dtype": None}
    dtype = numpy_type(type_id)
    described = {
        "class": "other",
        "text": "a type that NumPy has no word for",
        "dtype": None if dtype is None or dtype.kind in "OV" else dtype.str,
        "size": type_id.get_size(),
    }
    tell = CLASSES.get(type_id.get_class())
    try:
        if dtype is not None and dtype.kind == "c":
            described.update({"class": "complex", "text": _number(dtype)})
        elif tell is not None:
            described.update(tell(type_id, dtype, depth))
    except FAILURES:
        described["text"] = "a damaged type"
    return described


def numpy_type(type_id: h5t.TypeID) -> np.dtype[Any] | None:
    """What h5py reads it as, if there is such a thing."""
    try:
        return type_id.dtype  # type: ignore[no-any-return]
    except (*FAILURES, MemoryError):
        return None


def _plain(kind: str) -> Callable[[h5t.TypeID, np.dtype[Any] | None, int], Type]:
    def tell(type_id: h5t.TypeID, dtype: np.dtype[Any] | None, depth: int) -> Type:
        return {"class": kind, "text": kind if dtype is None else _number(dtype)}

    return tell


def _number(dtype: np.dtype[Any]) -> str:
    # One byte has no order; "=" is the machine's own, which everybody expects.
    order = {">": " (big-endian)", "<": " (little-endian)"}.get(dtype.byteorder, "")
    return f"{dtype.name}{order}"


def _string(type_id: h5t.TypeID, dtype: np.dtype[Any] | None, depth: int) -> Type:
    variable = type_id.is_variable_str()
    encoding = "utf-8" if type_id.get_cset() == h5t.CSET_UTF8 else "ascii"
    length = None if variable else type_id.get_size()
    size = "of any length" if length is None else f"of {length} bytes"
    return {
        "class": "string",
        "text": f"text {size} ({encoding.upper()})",
        "encoding": encoding,
        "length": length,
    }


def _compound(type_id: h5t.TypeID, dtype: np.dtype[Any] | None, depth: int) -> Type:
    count = type_id.get_nmembers()
    members = [
        {
            "name": type_id.get_member_name(index).decode("utf-8", "replace"),
            "type": describe(type_id.get_member_type(index), depth + 1),
        }
        for index in range(min(count, MOST_MEMBERS >> depth))
    ]
    return {"class": "compound", "text": f"compound of {count}", "members": members}


def _enum(type_id: h5t.TypeID, dtype: np.dtype[Any] | None, depth: int) -> Type:
    base = describe(type_id.get_super(), depth + 1)
    if dtype is not None and dtype.kind == "b":
        return {"class": "boolean", "text": "boolean", "base": base}
    members = {
        type_id.get_member_name(index).decode("utf-8", "replace"): type_id.get_member_value(index)
        for index in range(min(type_id.get_nmembers(), MOST_MEMBERS))
    }
    return {"class": "enum", "text": f"enum of {base['text']}", "members": members, "base": base}


def _array(type_id: h5t.TypeID, dtype: np.dtype[Any] | None, depth: int) -> Type:
    base = describe(type_id.get_super(), depth + 1)
    dims = list(type_id.get_array_dims())
    shape = " × ".join(map(str, dims))
    return {"class": "array", "text": f"{shape} {base['text']}", "dims": dims, "base": base}


def _vlen(type_id: h5t.TypeID, dtype: np.dtype[Any] | None, depth: int) -> Type:
    base = describe(type_id.get_super(), depth + 1)
    return {"class": "vlen", "text": f"lists of {base['text']}", "base": base}


def _opaque(type_id: h5t.TypeID, dtype: np.dtype[Any] | None, depth: int) -> Type:
    tag = printable(type_id.get_tag().decode("utf-8", "replace"))[:200]
    text = f"{type_id.get_size()} opaque bytes"
    return {"class": "opaque", "text": f"{text} ({tag})" if tag else text, "tag": tag}


def _reference(type_id: h5t.TypeID, dtype: np.dtype[Any] | None, depth: int) -> Type:
    if dtype is not None and h5py.check_ref_dtype(dtype) is h5py.RegionReference:
        return {"class": "region", "text": "reference to a region"}
    return {"class": "reference", "text": "reference"}


CLASSES: dict[int, Callable[[h5t.TypeID, np.dtype[Any] | None, int], Type]] = {
    h5t.INTEGER: _plain("integer"),
    h5t.FLOAT: _plain("float"),
    h5t.BITFIELD: _plain("bitfield"),
    h5t.TIME: _plain("time"),
    h5t.STRING: _string,
    h5t.COMPOUND: _compound,
    h5t.ENUM: _enum,
    h5t.ARRAY: _array,
    h5t.VLEN: _vlen,
    h5t.OPAQUE: _opaque,
    h5t.REFERENCE: _reference,
}
