"""Values of a data set in memory, and never more of them than a request may hold."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Optional, Union

import h5py
import numpy as np

from ..errors import Refusal
from ..files.links import Place
from ..reading.selection import Selection
from ..work import Work
from .plain import Array

Key = Sequence[Union[int, slice]]
# How numbers are read: the reader that decodes chunks itself, or HDF5 where that is None.
Read = Optional[Callable[[tuple[Union[int, slice], ...], Work], Array]]

MOST_VALUES = 1 << 20


def chosen(key: Key, shape: Sequence[int]) -> tuple[int | slice, ...]:
    """The key with an entry for each axis, its bounds within the data set."""
    # Refuses what is not there.
    Selection.of(tuple(key), tuple(shape))
    whole = [*key, *[slice(None)] * (len(shape) - len(key))]
    return tuple(
        slice(*part.indices(length)) if isinstance(part, slice) else part % length
        for part, length in zip(whole, shape)
    )


def lengths(selection: tuple[int | slice, ...]) -> tuple[int, ...]:
    """The shape of what a complete key selects."""
    return tuple(
        len(range(each.start, each.stop, each.step))
        for each in selection
        if isinstance(each, slice)
    )


def load(place: Place, key: Key, work: Work, read: Read = None) -> Array:
    """What a key selects, as an array in memory; its size is claimed first."""
    dataset = place.dataset()
    selection = chosen(key, dataset.shape)
    dtype = dataset.dtype
    if read is not None and dtype.kind in "biufc":
        # Readers claim what they give, and look themselves at which files it lies in.
        return read(selection, work)
    place.links.storage(place, work)
    # The values of such types lie elsewhere in the file, however long they are.
    if dtype.hasobject and h5py.check_ref_dtype(dtype) is None:
        return _piece_by_piece(dataset, selection, work)
    work.claim(math.prod(lengths(selection)) * max(1, dtype.itemsize))
    _refuse_giant_chunks(dataset, work)
    return np.asarray(dataset[selection])


def refuse_too_many(count: int) -> None:
    """JSON is for pages of a table; more than that is to be had as NPY or CSV."""
    if count > MOST_VALUES:
        raise Refusal(
            413,
            f"These are {count:,} values; {MOST_VALUES:,} are given at once.",
            "Ask for a part of them, or export them as NPY or CSV.",
            "values",
        )


def _refuse_giant_chunks(dataset: h5py.Dataset, work: Work) -> None:
    """A filtered chunk is decoded as a whole, however little of it was asked for."""
    plist = dataset.id.get_create_plist()
    if dataset.chunks is None or plist.get_nfilters() == 0:
        return
    size = math.prod(dataset.chunks) * dataset.dtype.itemsize
    work.claim(size)
    work.release(size)


def _piece_by_piece(dataset: h5py.Dataset, selection: tuple[int | slice, ...], work: Work) -> Array:
    """Read few enough at once that even values as long as the file would fit."""
    shape = lengths(selection)
    work.claim(math.prod(shape) * dataset.dtype.itemsize)
    together = max(1, work.budget // max(1, dataset.file.id.get_filesize()))
    values = np.empty(shape, dtype=object if dataset.dtype.names is None else dataset.dtype)
    for place, piece in _pieces(selection, together):
        work.check()
        read = dataset[piece]
        work.claim(_held(read))
        if not shape:
            return _alone(read, dataset.dtype)
        values[place] = read
    return values


def _alone(value: Any, dtype: np.dtype[Any]) -> Array:
    if dtype.names is not None:
        return np.asarray(value, dtype)
    single = np.empty((), object)
    single[()] = value
    return single


def _pieces(
    selection: tuple[int | slice, ...], together: int
) -> Iterator[tuple[tuple[int | slice, ...], tuple[int | slice, ...]]]:
    """Places in the answer and what of the data set belongs there, `together` values each."""
    spans = [range(*each.indices(each.stop)) for each in selection if isinstance(each, slice)]
    if not spans:
        yield (), selection
        return
    *outer, inner = spans
    for index in itertools.product(*(range(len(span)) for span in outer)):
        for start in range(0, len(inner), together):
            part = inner[start : start + together]
            within: list[int | slice] = [span[number] for span, number in zip(outer, index)]
            numbers = iter([*within, slice(part.start, part[-1] + 1, part.step)])
            piece = tuple(next(numbers) if isinstance(each, slice) else each for each in selection)
            yield (*index, slice(start, start + len(part))), piece


def _held(value: Any) -> int:
    """How many bytes a value of any length holds beyond its place in an array."""
    if isinstance(value, (bytes, str)):
        return len(value)
    if isinstance(value, np.void) and value.dtype.names:
        return sum(_held(value[name]) for name in value.dtype.names)
    if not isinstance(value, np.ndarray):
        return 0
    if value.dtype.names:
        return sum(_held(value[name]) for name in value.dtype.names)
    if value.dtype.kind != "O":
        return value.nbytes
    return sum(_held(each) for each in value.flat)
