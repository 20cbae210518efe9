"""Which views fit a data set, the best first."""

from __future__ import annotations

import h5py

from .types import numpy_type


def view(dataset: h5py.Dataset) -> tuple[str, ...]:
    """Of `line`, `heatmap`, `slices`, `table`, `value`, `raw`."""
    shape = dataset.shape
    if shape is None or shape == ():
        return ("value", "raw")
    dtype = numpy_type(dataset.id.get_type())
    if dtype is None:
        return ("raw",)
    if dtype.subdtype is not None or dtype.kind not in "biufc" or 0 in shape:
        return ("table", "raw")
    # An axis of one place has nothing to slide along, nor anything to draw.
    wide = sum(length > 1 for length in shape)
    best = {0: "table", 1: "line", 2: "heatmap"}.get(wide, "slices")
    possible = ["slices"] * (len(shape) > 2) + ["heatmap"] * (len(shape) > 1) + ["line", "table"]
    return (best, *[each for each in possible if each != best], "raw")
