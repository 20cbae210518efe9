"""What the axes of a data set are called, and where along them its values lie."""

from __future__ import annotations

from typing import Any

import h5py
import numpy as np

from ..errors import Refusal
from ..files import names
from ..files.damage import in_words
from ..files.links import Place
from ..work import Work
from .attributes import text_of
from .coordinates import Found, dimension_scales, nexus, parent_of, siblings, spacing
from .loading import load
from .plain import Array, Plain

# Beyond this, only the ends are looked at.
MOST_VALUES = 1 << 16
# In a large file texts are fetched one by one.
MOST_TEXTS = 1 << 12
# `default` leads from group to group to what a NeXus file is about.
DEEPEST = 10

Axis = dict[str, Any]


def axes(place: Place, work: Work) -> dict[str, Any]:
    """Each axis of a data set, or of the one that a NeXus group is about."""
    place = signal(place, work)
    if not isinstance(place.object, h5py.Dataset):
        return {"path": place.path, "signal": None, "axes": []}
    with in_words(place.path):
        return {
            "path": place.path,
            "signal": place.path,
            "unit": _unit(place, work),
            "long_name": text_of(place, "long_name", work),
            "axes": _axes(place, work),
        }


def signal(place: Place, work: Work) -> Place:
    """The data set that a group says it is about; else the place itself."""
    here = place
    for _ in range(DEEPEST):
        if not isinstance(here.object, h5py.Group):
            return here
        name = text_of(here, "signal", work) or text_of(here, "default", work)
        if not name:
            return place
        try:
            here = here.below([part.encode() for part in name.split("/") if part], work)
        except Refusal as refusal:
            if refusal.status == 504:
                raise
            return place
    return place


def _axes(place: Place, work: Work) -> list[Axis]:
    dataset = place.dataset()
    parent = parent_of(place, work)
    guesses = (
        dimension_scales(place, dataset, work),
        nexus(place, parent, work),
        spacing(place, parent, work),
        siblings(place, parent, work),
    )
    return [
        _best(axis, size, [guess[axis] for guess in guesses], work)
        for axis, size in enumerate(dataset.shape or ())
    ]


def _best(axis: int, size: int, guesses: list[Found | None], work: Work) -> Axis:
    """The first guess that has values; its name alone is better than none."""
    named = [guess for guess in guesses if guess is not None]
    for guess in named:
        along = _along(guess, size, work)
        if along is not None:
            return {**_told(axis, size, guess, work), **along}
    return _told(axis, size, named[0] if named else Found("", ""), work)


def _told(axis: int, size: int, found: Found, work: Work) -> Axis:
    values = found.values
    return {
        "name": names.shown(names.last(found.name)) or f"axis {axis}",
        "unit": found.unit or ("" if values is None else _unit(values, work)),
        "long_name": "" if values is None else text_of(values, "long_name", work),
        "size": size,
        "first": None,
        "last": None,
        "step": None,
        "values": None,
        "source": found.source,
    }


def _along(found: Found, size: int, work: Work) -> Axis | None:
    """First, last, and either one step or all values; None if this guess has none that fit."""
    if found.step is not None and found.first is not None:
        last = found.first + found.step * max(0, size - 1)
        return _finite({"first": found.first, "last": last, "step": found.step})
    if found.values is None or size == 0:
        return None
    place = found.values
    try:
        with in_words(place.path):
            dataset = place.dataset()
            # Bounds of bins are one more than the bins.
            if dataset.shape not in ((size,), (size + 1,)):
                return None
            if dataset.dtype.hasobject and size > MOST_TEXTS:
                return None
            if dataset.shape == (size,) and size > MOST_VALUES:
                return _ends(load(place, (slice(None, None, size - 1),), work), size)
            values = load(place, (), work)
            if len(values) > size and values.dtype.kind in "iuf":
                values = (values[:-1].astype("f8") + values[1:]) / 2
            return _listed(values[:size], place, work)
    except Refusal as refusal:
        if refusal.status == 504:
            raise
        return None


def _listed(values: Array, place: Place, work: Work) -> Axis:
    step = _step(values)
    plain = Plain(place.file.h5, work).nested(values)
    return {
        "first": plain[0],
        "last": plain[-1],
        "step": step,
        "values": plain if step is None else None,
    }


def _step(values: Array) -> float | None:
    """The distance of values that lie evenly, as far as their precision can tell."""
    if values.dtype.kind not in "iuf" or len(values) < 2 or not np.isfinite(values).all():
        return None
    exact = values.astype("f8")
    step = (exact[-1] - exact[0]) / (len(exact) - 1)
    error = np.abs(exact - (exact[0] + step * np.arange(len(exact)))).max()
    rounding = np.finfo(values.dtype if values.dtype.kind == "f" else "f8").eps
    fine = error <= max(1e-6 * abs(step), 2 * float(rounding) * np.abs(exact).max())
    return float(step) if fine and step != 0 else None


def _ends(values: Array, size: int) -> Axis | None:
    if values.dtype.kind not in "iuf":
        return None
    first, last = (float(each) for each in values.astype("f8"))
    return _finite({"first": first, "last": last, "step": (last - first) / (size - 1)})


def _finite(ends: Axis) -> Axis | None:
    return ends if all(np.isfinite(value) for value in ends.values()) else None


def _unit(place: Place, work: Work) -> str:
    return text_of(place, "units", work) or text_of(place, "unit", work)
