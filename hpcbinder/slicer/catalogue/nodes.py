"""What is at a path, and what a group holds, page by page."""

from __future__ import annotations

import math
from typing import Any

import h5py
import numpy as np
from h5py import h5a, h5d, h5l

from ..errors import Refusal
from ..files import names
from ..files.damage import in_words, printable
from ..files.links import Place
from ..work import Work
from .plain import Plain
from .types import describe
from .views import view

LONGEST_PAGE = 1000
# Each opens a file, perhaps far away; those beyond are looked at when they are opened.
MOST_FILES = 50

Item = dict[str, Any]


def children(place: Place, offset: int, limit: int, work: Work) -> dict[str, Any]:
    """What a group holds, by name, from the `offset`-th on."""
    group = place.group()
    with in_words(place.path):
        total = group.id.get_num_objs()
        found = link_names(group, max(0, offset), min(max(1, limit), LONGEST_PAGE), total)
    files = 0
    items = []
    for name in found:
        work.check()
        link = _link(group, name)
        far = link is not None and link["kind"] == "external"
        files += far
        items.append(
            _unseen(place, name, link) if far and files > MOST_FILES else item(place, name, work)
        )
    return {"path": place.path, "total": total, "offset": offset, "children": items}


def item(parent: Place, name: bytes, work: Work) -> Item:
    """One line of the tree; a link that leads nowhere says why."""
    link = _link(parent.group(), name)
    try:
        return {**_described(parent.child(name, work)), "link": link}
    except Refusal as refusal:
        if refusal.status == 504:
            raise
        said = {"message": refusal.sentence, "advice": refusal.advice}
        return _unseen(parent, name, {**(link or {"kind": "hard"}), **said})


def node(place: Place, work: Work) -> Item:
    """One object with all that is known of it, but for its attributes' and its own values."""
    described = _described(place)
    with in_words(place.path):
        described["link"] = None
        described["attributes"] = h5a.get_num_attrs(place.object.id)
        if isinstance(place.object, h5py.Dataset):
            described.update(_storage(place, place.object, work))
    return described


def _described(place: Place) -> Item:
    """What a line of the tree shows of an object."""
    with in_words(printable(place.path)):
        known: Item = {"name": place.name, "path": place.path, "link": None}
        if isinstance(place.object, h5py.Group):
            return {**known, "kind": "group", "members": place.object.id.get_num_objs()}
        if isinstance(place.object, h5py.Dataset):
            shape = place.object.shape
            return {
                **known,
                "kind": "dataset",
                "shape": None if shape is None else list(shape),
                "type": describe(place.object.id.get_type()),
                "views": list(view(place.object)),
            }
        return {**known, "kind": "type", "type": describe(place.object.id)}


def _storage(place: Place, dataset: h5py.Dataset, work: Work) -> Item:
    plist = dataset.id.get_create_plist()
    shape = dataset.shape
    filters = [plist.get_filter(number) for number in range(plist.get_nfilters())]
    return {
        "maxshape": None if shape is None else list(dataset.maxshape),
        "chunks": None if dataset.chunks is None else list(dataset.chunks),
        "layout": layout(plist),
        "filters": [
            {"id": number, "name": printable(name.decode("utf-8", "replace"))}
            for number, _, _, name in filters
        ],
        "bytes": 0 if shape is None else math.prod(shape) * dataset.id.get_type().get_size(),
        "stored": dataset.id.get_storage_size(),
        "fill": _fill(place, dataset, work),
    }


def layout(plist: h5py.h5p.PropDCID) -> str:
    """Where the values lie, in a word."""
    if plist.get_external_count():
        return "external"
    known = {
        h5d.COMPACT: "compact",
        h5d.CONTIGUOUS: "contiguous",
        h5d.CHUNKED: "chunked",
        h5d.VIRTUAL: "virtual",
    }
    return known.get(plist.get_layout(), "other")


def _fill(place: Place, dataset: h5py.Dataset, work: Work) -> Any:
    dtype = dataset.dtype
    if dtype.kind not in "biufc" or dtype.subdtype is not None:
        return None
    return Plain(place.file.h5, work).nested(np.asarray(dataset.fillvalue, dtype))


def link_names(group: h5py.Group, offset: int, limit: int, total: int) -> list[bytes]:
    """Some of a group's names, in their order."""
    found: list[bytes] = []

    def collect(name: bytes) -> bool | None:
        found.append(name)
        return len(found) >= limit or None

    if offset < total:
        group.id.links.iterate(collect, idx=offset)
    return found


def _link(group: h5py.Group, name: bytes) -> Item | None:
    """A link that is more than a name: what it says, wherever that leads."""
    with in_words(printable(names.written(name))):
        kind = group.id.links.get_info(name).type
        if kind == h5l.TYPE_HARD:
            return None
        if kind == h5l.TYPE_SOFT:
            return {"kind": "soft", "path": names.written(group.id.links.get_val(name))}
        if kind == h5l.TYPE_EXTERNAL:
            file, path = group.id.links.get_val(name)
            return {"kind": "external", "file": names.written(file), "path": names.written(path)}
    return {"kind": "other"}


def _unseen(parent: Place, name: bytes, link: Item | None) -> Item:
    written = names.written(name)
    return {
        "name": names.shown(written),
        "path": names.below(parent.path, written),
        "kind": "link",
        "link": link,
    }
