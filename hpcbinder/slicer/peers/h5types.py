"""Types, attributes and objects as h5grove describes them in `/meta`."""

from __future__ import annotations

from typing import Any

import h5py
import numpy as np
from h5py import h5a, h5t

from ..catalogue.nodes import link_names
from ..errors import Refusal
from ..files import names
from ..files.damage import in_words
from ..files.links import Place
from ..work import Work
from .links import VALID, Entity, Link, child

DEEPEST = 12
# Nothing in this protocol comes in pages.
MOST_CHILDREN = 20_000
MOST_ATTRIBUTES = 2000

Described = dict[str, Any]


def meta(found: Entity, work: Work, depth: int = 1) -> Described:
    """An object, and with `depth` what it holds, the keys in order."""
    work.check()
    known: Described = {"name": names.last(found.path), "kind": kind(found)}
    if isinstance(found, Link):
        known["target_path"] = found.target
        if found.file is not None:
            known["target_file"] = found.file
    else:
        with in_words(found.path):
            known["attributes"] = attributes(found)
            known.update(_of_its_kind(found, work, depth))
    return dict(sorted(known.items()))


def kind(found: Entity) -> str:
    """In h5grove's words."""
    if isinstance(found, Link):
        return found.kind
    if isinstance(found.object, h5py.Group):
        return "group"
    return "dataset" if isinstance(found.object, h5py.Dataset) else "datatype"


def children(place: Place, resolve: str, work: Work) -> list[Entity]:
    """What a group holds."""
    with in_words(place.path):
        total = place.group().id.get_num_objs()
        if total > MOST_CHILDREN:
            raise Refusal(
                413,
                f"{place.path} holds {total:,} objects; {MOST_CHILDREN:,} are told at once.",
                "Use the slicer's own /children, which comes in pages.",
                "children",
            )
        found = link_names(place.group(), 0, MOST_CHILDREN, total)
    return [child(place, name, resolve, work) for name in found]


def attributes(place: Place) -> list[Described]:
    """Names, shapes and types of an object's attributes."""
    listed = []
    for name in attribute_names(place):
        attribute = h5a.open(place.object.id, name)
        listed.append(
            {
                "name": names.written(name),
                "shape": attribute.shape,
                "type": type_of(attribute.get_type()),
            }
        )
    return listed


def attribute_names(place: Place) -> list[bytes]:
    """In the order of the alphabet."""
    found: list[bytes] = []

    def collect(name: bytes) -> bool | None:
        found.append(name)
        return len(found) >= MOST_ATTRIBUTES or None

    h5a.iterate(place.object.id, collect)
    return sorted(found)


def _of_its_kind(place: Place, work: Work, depth: int) -> Described:
    if isinstance(place.object, h5py.Group):
        if depth == 0:
            return {}
        held = children(place, VALID, work)
        return {"children": [meta(each, work, depth - 1) for each in held]}
    if isinstance(place.object, h5py.Dataset):
        dataset = place.object
        return {
            "chunks": dataset.chunks,
            "filters": _filters(dataset),
            "shape": dataset.shape,
            "type": type_of(dataset.id.get_type()),
        }
    return {"type": type_of(place.object.id)}


def _filters(dataset: h5py.Dataset) -> list[Described] | None:
    plist = dataset.id.get_create_plist()
    known = [plist.get_filter(number) for number in range(plist.get_nfilters())]
    told = [{"id": each[0], "name": each[3].decode("utf-8", "replace")} for each in known]
    return told or None


def type_of(type_id: h5t.TypeID, depth: int = 0) -> Described:
    """HDF5's own numbers for classes, orders and signs."""
    if depth > DEEPEST:
        raise Refusal(422, "Types within types go too deep to be told.", "", "type")
    told: Described = {
        "class": type_id.get_class(),
        "dtype": _dtype(type_id.dtype),
        "size": type_id.get_size(),
    }
    if isinstance(type_id, (h5t.TypeIntegerID, h5t.TypeFloatID, h5t.TypeBitfieldID)):
        told["order"] = type_id.get_order()
    if isinstance(type_id, h5t.TypeIntegerID):
        told["sign"] = type_id.get_sign()
    elif isinstance(type_id, h5t.TypeStringID):
        told["cset"] = type_id.get_cset()
        told["strpad"] = type_id.get_strpad()
        told["vlen"] = type_id.is_variable_str()
    elif isinstance(type_id, h5t.TypeOpaqueID):
        told["tag"] = type_id.get_tag().decode("utf-8", "replace")
    elif isinstance(type_id, h5t.TypeCompoundID):
        told["members"] = [
            {"name": _member(type_id, index), **type_of(type_id.get_member_type(index), depth + 1)}
            for index in range(type_id.get_nmembers())
        ]
    elif isinstance(type_id, h5t.TypeEnumID):
        count = type_id.get_nmembers()
        told["members"] = {
            _member(type_id, index): type_id.get_member_value(index) for index in range(count)
        }
    elif isinstance(type_id, h5t.TypeArrayID):
        told["dims"] = type_id.get_array_dims()
    if isinstance(type_id, (h5t.TypeEnumID, h5t.TypeVlenID, h5t.TypeArrayID)):
        told["base"] = type_of(type_id.get_super(), depth + 1)
    return told


def _member(type_id: h5t.TypeID, index: int) -> str:
    return str(type_id.get_member_name(index).decode("utf-8", "replace"))


def _dtype(dtype: np.dtype[Any]) -> Any:
    if dtype.fields is None:
        return dtype.str
    return {name: _dtype(field[0]) for name, field in dtype.fields.items()}
