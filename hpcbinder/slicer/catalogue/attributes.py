"""The attributes of a group, a data set or a named type."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from h5py import h5a, h5s, h5t

from ..errors import Refusal
from ..files import names
from ..files.damage import in_words
from ..files.links import Object, Place
from ..work import Work
from .plain import Array, Plain
from .types import describe

# An attribute is read as a whole: there is no part of it to be had.
MOST_ATTRIBUTES = 2000
MOST_BYTES = 1 << 20
MOST_VALUES = 1 << 16


def attributes(place: Place, work: Work) -> dict[str, Any]:
    """All attributes with their types, and the values of those that are not too large."""
    with in_words(f"The attributes of {place.path}"):
        total = h5a.get_num_attrs(place.object.id)
        return {
            "path": place.path,
            "total": total,
            "attributes": [_one(place, name, work) for name in _names(place.object)],
        }


def value_of(place: Place, name: str, work: Work) -> Any:
    """One attribute's plain value; None if there is none, or none that can be read."""
    try:
        with in_words(f"The attribute {name}"):
            if not h5a.exists(place.object.id, name.encode()):
                return None
            array = read(place.object, name.encode())
            return None if array is None else Plain(place.file.h5, work).nested(array)
    except Refusal:
        return None


def read(holder: Object, name: bytes) -> Array | None:
    """An attribute as an array, text as bytes; None for an empty one, `Refusal` if too large."""
    attribute = h5a.open(holder.id, name)
    if attribute.get_space().get_simple_extent_type() == h5s.NULL:
        return None
    dtype = attribute.dtype
    inner, dims = dtype.subdtype or (dtype, ())
    shape = (*attribute.shape, *dims)
    count = math.prod(shape)
    if count * inner.itemsize > MOST_BYTES or count > MOST_VALUES:
        raise Refusal(
            413, f"Its {count:,} values are too many to show.", "Read it with h5py.", "memory"
        )
    array = np.zeros(shape, dtype=inner)
    if count:
        attribute.read(array, mtype=h5t.py_create(dtype))
    return array


def _names(holder: Object) -> list[bytes]:
    found: list[bytes] = []

    def collect(name: bytes) -> bool | None:
        found.append(name)
        return len(found) >= MOST_ATTRIBUTES or None

    h5a.iterate(holder.id, collect)
    return found


def _one(place: Place, name: bytes, work: Work) -> dict[str, Any]:
    work.check()
    written = names.written(name)
    described: dict[str, Any] = {"name": written, "shape": None, "type": None, "value": None}
    try:
        with in_words("It"):
            attribute = h5a.open(place.object.id, name)
            shape = attribute.shape
            described["shape"] = None if shape is None else list(shape)
            described["type"] = describe(attribute.get_type())
            array = read(place.object, name)
            if array is not None:
                described["value"] = Plain(place.file.h5, work).nested(array)
    except Refusal as refusal:
        if refusal.status == 504:
            raise
        described["message"] = str(refusal)
    return described


def text_of(place: Place, name: str, work: Work) -> str:
    """An attribute that should be text, or nothing."""
    value = value_of(place, name, work)
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    return value if isinstance(value, str) else ""


def texts_of(place: Place, name: str, work: Work) -> list[str]:
    """An attribute that should be a list of texts; one text alone counts as a list of it."""
    value = value_of(place, name, work)
    several = value if isinstance(value, list) else [value]
    return [each for each in several if isinstance(each, str)]
