"""h5grove's endpoints, which h5web's viewers ask: /attr /meta /paths /stats /data."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import h5py
import numpy as np

from ..catalogue.attributes import read as read_attribute
from ..catalogue.loading import Read, load
from ..catalogue.nodes import link_names
from ..catalogue.plain import Array, Plain
from ..errors import Refusal
from ..files import names
from ..files.damage import in_words
from ..files.links import Place
from ..process.answer import Answer
from ..work import Work
from . import links, stats
from .encoding import encode, in_json, safe
from .h5types import attribute_names, meta
from .selecting import parse

MOST_PATHS = 100_000

Arguments = Mapping[str, str]
Reads = Callable[[Place], Read]


def answer(
    endpoint: str,
    root: Place,
    arguments: Arguments,
    work: Work,
    read: Reads,
    keys: Sequence[str] = (),
) -> Answer:
    """What h5grove would answer; where it fails with 500, a `Refusal` says what is wrong."""
    resolve = links.wanted(arguments.get("resolve_links"))
    found = links.entity(root, arguments.get("path", "/"), resolve, work)
    if endpoint == "meta":
        return in_json(meta(found, work))
    if isinstance(found, links.Link):
        raise Refusal(
            404, f"{found.path} is a link that is not resolved.", "Ask for its target.", "link"
        )
    if endpoint == "attr":
        return in_json(attributes(found, keys, work))
    if endpoint == "paths":
        return in_json(paths(found, resolve, work))
    if endpoint == "stats":
        return in_json(statistics(found, arguments, work, read))
    array = data(found, arguments, work, read)
    return encode(array, arguments.get("format"), Plain(found.file.h5, work, loose=True), work)


def attributes(place: Place, keys: Sequence[str], work: Work) -> dict[str, Any]:
    """Values by their names."""
    plain = Plain(place.file.h5, work, loose=True)
    told = {}
    with in_words(f"An attribute of {place.path}"):
        for name in [key.encode() for key in keys] or attribute_names(place):
            if not h5py.h5a.exists(place.object.id, name):
                raise Refusal(
                    404, f"{place.path} has no attribute {names.written(name)}.", "", "missing"
                )
            array = read_attribute(place.object, name)
            told[names.written(name)] = None if array is None else plain.nested(array)
    return told


def paths(place: Place, resolve: str, work: Work) -> list[str]:
    """All paths below a group; a group that is reached twice is looked through once."""
    seen: set[tuple[int, int]] = set()
    told = [place.path]
    place.group()
    ahead = _held(place, seen)
    while ahead:
        work.check()
        parent, name = ahead.pop()
        told.append(names.below(parent.path, names.written(name)))
        if len(told) + len(ahead) > MOST_PATHS:
            raise Refusal(
                413, f"There are more than {MOST_PATHS:,} paths.", "Ask below a group.", "paths"
            )
        found = links.child(parent, name, links.NONE, work)
        if isinstance(found, Place):
            ahead.extend(_held(found, seen))
        elif resolve == links.ALL:
            # One that leads nowhere ends this.
            links.child(parent, name, resolve, work)
    return told


def _held(place: Place, seen: set[tuple[int, int]]) -> list[tuple[Place, bytes]]:
    """What a group holds, the last first; nothing if it is none, or was seen before."""
    if not isinstance(place.object, h5py.Group):
        return []
    with in_words(place.path):
        known = h5py.h5o.get_info(place.object.id)
        if (known.fileno, known.addr) in seen:
            return []
        seen.add((known.fileno, known.addr))
        total = place.object.id.get_num_objs()
        found = link_names(place.object, 0, MOST_PATHS + 1, total)
    return [(place, name) for name in reversed(found)]


def statistics(place: Place, arguments: Arguments, work: Work, read: Reads) -> dict[str, Any]:
    """Of all finite values that are selected."""
    dataset = place.dataset()
    with in_words(place.path):
        dtype = dataset.dtype
        if dataset.shape is None or dtype.kind not in "biuf":
            raise Refusal(
                422,
                f"There are no statistics of {place.path}.",
                "It holds no real numbers.",
                "type",
            )
        grown = stats.Stats()
        selection = parse(arguments.get("selection"), dataset.shape)
        reader = read(place)
        for piece in stats.pieces(selection, dtype.itemsize, work):
            array = np.asarray(load(place, piece, work, reader))
            grown.add(array)
            work.release(array.nbytes)
    return grown.told(whole=dtype.kind != "f")


def data(place: Place, arguments: Arguments, work: Work, read: Reads) -> Array | None:
    """What is selected, in the byte order of the file unless typed arrays are to hold it."""
    dataset = place.dataset()
    kind = arguments.get("dtype") or "origin"
    if kind not in ("origin", "safe"):
        raise Refusal(422, f"Unsupported dtype {kind}.", "It is origin or safe.", "dtype")
    with in_words(place.path):
        if dataset.shape is None:
            return None
        selection = parse(arguments.get("selection"), dataset.shape)
        numbers = dataset.dtype.kind in "biufc"
        array = np.asarray(load(place, selection, work, read(place) if numbers else None))
        # Readers give the machine's byte order.
        array = safe(array) if kind == "safe" else _as_stored(array, dataset.dtype)
    flat = (arguments.get("flatten") or "false").lower() != "false"
    return array.reshape(-1) if flat and array.ndim else array


def _as_stored(array: Array, dtype: np.dtype[Any]) -> Array:
    return array.astype(dtype, copy=False) if dtype.kind in "biufc" else array
