"""Where the names and values of axes may come from, in the order in which they are believed."""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import h5py

from ..errors import Refusal
from ..files import names
from ..files.damage import FAILURES
from ..files.links import Place
from ..work import Work
from .attributes import read, text_of, texts_of, value_of

# What netCDF writes as the name of a dimension that has no values.
HOLLOW = "This is a netCDF dimension but not a netCDF variable"


@dataclass(frozen=True)
class Found:
    """What is known of one axis: a name, and values in a data set or at even distances."""

    name: str
    source: str
    values: Place | None = None
    first: float | None = None
    step: float | None = None
    unit: str = ""


Guess = Sequence["Found | None"]


def dimension_scales(place: Place, dataset: h5py.Dataset, work: Work) -> Guess:
    """HDF5's own, which netCDF uses too.

    HDF5's functions for them believe whatever the attributes hold, and crash; so not those.
    """
    if dataset.ndim == 1 and text_of(place, "CLASS", work) == "DIMENSION_SCALE":
        return [Found(place.name, "scale", place)]
    labels = texts_of(place, "DIMENSION_LABELS", work)
    labels = labels if len(labels) == dataset.ndim else [""] * dataset.ndim
    try:
        scales = _scales(dataset)
        return [_scale(place, label, scale, work) for label, scale in zip(labels, scales)]
    except (*FAILURES, MemoryError, Refusal):
        return [None] * dataset.ndim


def _scales(dataset: h5py.Dataset) -> list[h5py.Dataset | None]:
    """The first scale of each axis."""
    none: list[h5py.Dataset | None] = [None] * dataset.ndim
    if not h5py.h5a.exists(dataset.id, b"DIMENSION_LIST"):
        return none
    attribute = h5py.h5a.open(dataset.id, b"DIMENSION_LIST")
    held = h5py.check_vlen_dtype(attribute.dtype)
    if held is None or h5py.check_ref_dtype(held) is not h5py.Reference:
        return none
    listed = read(dataset, b"DIMENSION_LIST")
    if listed is None or listed.shape != (dataset.ndim,):
        return none
    found = [dataset.file[refs[0]] if len(refs) and refs[0] else None for refs in listed]
    return [each if isinstance(each, h5py.Dataset) else None for each in found]


def _scale(place: Place, label: str, scale: h5py.Dataset | None, work: Work) -> Found | None:
    if scale is None:
        return Found(label, "scale") if label else None
    # By its name, because what a reference leads to has not been looked at.
    known = place.links.find(place.file, names.written(h5py.h5i.get_name(scale.id) or b""), work)
    hollow = text_of(known, "NAME", work).startswith(HOLLOW)
    return Found(label or known.name, "scale", None if hollow else known)


def nexus(place: Place, parent: Place, work: Work) -> Guess:
    """What the NXdata group around it says, or the data set itself in files of old."""
    rank = len(place.dataset().shape)
    name = names.last(names.written(place.object.name.encode()))
    told = texts_of(parent, "axes", work)
    signal = text_of(parent, "signal", work)
    if told and (signal == name or (not signal and text_of(parent, "NX_class", work))):
        found: list[Found | None] = [None] * rank
        for axis, each in enumerate(told[:rank]):
            found[axis] = _of_sibling(parent, each, "nexus", work)
        for each in told:
            at = value_of(parent, f"{each}_indices", work)
            at = at[0] if isinstance(at, list) and len(at) == 1 else at
            if isinstance(at, int) and 0 <= at < rank and each != ".":
                found[at] = _of_sibling(parent, each, "nexus", work)
        return found
    own = texts_of(place, "axes", work)
    if len(own) == 1 and rank > 1:
        # A list in one text, with the brackets and separators of several decades.
        own = own[0].strip("[]").replace(",", ":").split(":")
    if text_of(parent, "NX_class", work) and len(own) == rank:
        return [_of_sibling(parent, each.strip(), "nexus", work) for each in own]
    return [None] * rank


def _of_sibling(parent: Place, name: str, source: str, work: Work) -> Found | None:
    if name in ("", "."):
        return None
    return Found(name, source, sibling(parent, name, work))


def sibling(parent: Place, name: str, work: Work) -> Place | None:
    """A data set of one axis beside the one that is looked at."""
    for spelling in names.spellings(name):
        try:
            found = parent.child(spelling, work)
            if found.dataset().ndim == 1:
                return found
        except Refusal as refusal:
            if refusal.status == 504:
                raise
    return None


def spacing(place: Place, parent: Place, work: Work) -> Guess:
    """`axes`, `spacing`, `origin` (the centre of the first cell) and `axis_units` as attributes."""
    rank = len(place.dataset().shape)
    named = texts_of(place, "axes", work)
    steps = _numbers(value_of(place, "spacing", work))
    firsts = _numbers(value_of(place, "origin", work)) or [0.0] * rank
    units = texts_of(place, "axis_units", work)
    if len(named) != rank and len(steps) != rank:
        return [None] * rank
    found = []
    for axis in range(rank):
        name = named[axis] if len(named) == rank else f"axis {axis}"
        unit = units[axis] if len(units) == rank else ""
        if len(steps) == rank and len(firsts) == rank:
            found.append(Found(name, "attributes", None, firsts[axis], steps[axis], unit))
        else:
            found.append(Found(name, "attributes", sibling(parent, name, work), unit=unit))
    return found


def siblings(place: Place, parent: Place, work: Work) -> Guess:
    """Data sets `x`, `y` and `z` beside it, if they fit; the last axis is x, if it can be."""
    shape = place.dataset().shape
    if not 1 < len(shape) <= 3:
        return [None] * len(shape)
    letters = "xyz"[: len(shape)]
    beside = {each: sibling(parent, each, work) for each in letters}
    for order in (letters[::-1], letters):
        fits = [
            each is not None and each.dataset().shape == (length,)
            for each, length in zip((beside[letter] for letter in order), shape)
        ]
        if all(fits):
            return [Found(letter, "sibling", beside[letter]) for letter in order]
    return [None] * len(shape)


def parent_of(place: Place, work: Work) -> Place:
    """The group that holds a data set, in the file where it really lies."""
    path = names.written(place.object.name.encode("utf-8", "surrogateescape"))
    return place.links.find(place.file, posixpath.dirname(path), work)


def _numbers(value: Any) -> list[float]:
    several = value if isinstance(value, list) else [value]
    ends = ("NaN", "Infinity", "-Infinity")
    return [float(each) for each in several if isinstance(each, (int, float)) or each in ends]
