"""jupyterlab-hdf5's endpoints: /hdf/attrs, contents, data, meta and snippet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import h5py
import numpy as np
from h5py import h5a

from ..catalogue.loading import Key, chosen, lengths, load, refuse_too_many
from ..catalogue.plain import Plain
from ..errors import Refusal
from ..files import names
from ..files.damage import in_words
from ..files.links import Place
from ..process.answer import Answer
from ..work import Work
from . import links
from .encoding import in_json
from .h5grove import Arguments, Reads, attributes
from .h5types import attribute_names, children, kind
from .selecting import parse

MOST_AXES = 32


def answer(
    endpoint: str,
    root: Place,
    arguments: Arguments,
    work: Work,
    read: Reads,
    keys: Sequence[str] = (),
) -> Answer:
    """What jupyterlab-hdf5 would answer; a `Refusal` in words where it fails with 500."""
    uri = arguments.get("uri", "/")
    if endpoint in ("meta", "contents"):
        # Links are shown as such; what they lead to is asked for by its own path.
        found = links.entity(root, uri, links.NONE, work)
        tell = meta if endpoint == "meta" else contents
        return in_json(tell(found, arguments, work))
    place = root.links.find(root.file, uri, work)
    if endpoint == "attrs":
        return in_json(attributes(place, keys, work))
    if endpoint == "snippet":
        return in_json(snippet(place, root.file.h5.filename, arguments))
    return in_json(data(place, arguments, work, read))


def contents(found: links.Entity, arguments: Arguments, work: Work) -> Any:
    """A group's objects, or all about anything else."""
    if isinstance(found, Place) and isinstance(found.object, h5py.Group):
        return [_line(each) for each in children(found, links.NONE, work)]
    return {"content": meta(found, arguments, work), **_line(found)}


def _line(found: links.Entity) -> dict[str, Any]:
    return {"name": names.last(found.path), "uri": found.path, "type": kind(found)}


def meta(found: links.Entity, arguments: Arguments, work: Work) -> dict[str, Any]:
    """What it is, and what of it a selection would give."""
    known = _known(found)
    with in_words(found.path):
        if isinstance(found, Place) and isinstance(found.object, h5py.Group):
            known["children"] = [_known(each) for each in children(found, links.NONE, work)]
            known["childrenCount"] = len(known["children"])
        if isinstance(found, Place) and isinstance(found.object, h5py.Dataset):
            known.update(_shape(found.object, arguments))
    return dict(sorted(known.items()))


def _known(found: links.Entity) -> dict[str, Any]:
    known: dict[str, Any] = {"name": names.last(found.path), "type": kind(found)}
    if isinstance(found, links.Link):
        known["targetUri"] = found.target
        if found.file is not None:
            known["targetFile"] = found.file
        return known
    with in_words(found.path):
        known["attributes"] = [_attribute(found, name) for name in attribute_names(found)]
        if isinstance(found.object, h5py.Dataset):
            known["dtype"] = found.object.dtype.str
            known["shape"] = found.object.shape
    return known


def _attribute(place: Place, name: bytes) -> dict[str, Any]:
    attribute = h5a.open(place.object.id, name)
    return {
        "name": names.written(name),
        "dtype": attribute.dtype.str,
        "shape": attribute.shape,
    }


def _shape(dataset: h5py.Dataset, arguments: Arguments) -> dict[str, Any]:
    if dataset.shape is None:
        return {"labels": None, "ndim": 0, "shape": None, "size": 0}
    selection = parse(arguments.get("ixstr"), dataset.shape)
    labels = [_label(each) for each in selection if isinstance(each, slice)]
    shape = lengths(selection)
    missing = _least_axes(arguments) - len(shape)
    return {
        "labels": [_label(slice(0, 1, 1))] * missing + labels,
        "ndim": max(0, missing) + len(shape),
        "shape": [1] * missing + list(shape),
        "size": int(np.prod(shape, dtype=object)),
    }


def _label(span: slice) -> dict[str, int]:
    return {"start": span.start, "stop": span.stop, "step": span.step}


def _least_axes(arguments: Arguments) -> int:
    text = arguments.get("min_ndim") or "0"
    if not text.isdecimal() or int(text) > MOST_AXES:
        raise Refusal(422, f"min_ndim is a number up to {MOST_AXES}.", "", "parameter")
    return int(text)


def data(place: Place, arguments: Arguments, work: Work, read: Reads) -> Any:
    """Nested lists of what `ixstr` selects, and of that what `subixstr` selects."""
    dataset = place.dataset()
    with in_words(place.path):
        if dataset.shape is None:
            return None
        key = _both(dataset, arguments)
        refuse_too_many(int(np.prod(lengths(chosen(key, dataset.shape)), dtype=object)))
        numbers = dataset.dtype.kind in "biufc"
        array = np.asarray(load(place, key, work, read(place) if numbers else None))
        missing = max(0, _least_axes(arguments) - array.ndim)
        array = array.reshape((1,) * missing + array.shape)
        return Plain(place.file.h5, work, loose=True).nested(array)


def _both(dataset: h5py.Dataset, arguments: Arguments) -> Key:
    """One key for a selection within a selection, so that no more is read than is shown."""
    outer = parse(arguments.get("ixstr"), dataset.shape)
    inner = iter(parse(arguments.get("subixstr"), lengths(outer)))
    return [_within(each, next(inner)) if isinstance(each, slice) else each for each in outer]


def _within(span: slice, each: int | slice) -> int | slice:
    numbers = range(span.start, span.stop, span.step)
    if not isinstance(each, slice):
        return numbers[each]
    part = numbers[each]
    return slice(part[0], part[-1] + 1, part.step) if part else slice(0, 0, 1)


def snippet(place: Place, file: str, arguments: Arguments) -> str:
    """Python that reads the same."""
    if isinstance(place.object, h5py.Datatype):
        raise Refusal(422, "There are snippets for groups and data sets only.", "", "type")
    group = isinstance(place.object, h5py.Group)
    target = "group" if group else "dataset"
    picked = ""
    if not group and place.object.shape is not None and arguments.get("ixstr"):
        outer = parse(arguments.get("ixstr"), place.object.shape)
        picked = f"[{arguments['ixstr']}]"
        if arguments.get("subixstr"):
            parse(arguments["subixstr"], lengths(outer))
            picked += f"[{arguments['subixstr']}]"
    path = names.spellings(place.path)[-1]
    try:
        shown = repr(path.decode())
    except UnicodeDecodeError:
        shown = repr(path)
    return f"with h5py.File({file!r}, 'r') as f:\n    {target} = f[{shown}]{picked}"
