"""A data set as blocks that are read one by one: its chunks, or runs of what lies contiguous."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import prod
from typing import Any, Optional, Protocol

import h5py
import numpy as np

from .chunks import ChunkIndex, Location
from .extents import Extent, Plain, Plan, scratch
from .filters import Undecodable
from .grid import box
from .pipeline import Pipeline

Array = np.ndarray[Any, Any]
Index = tuple[int, ...]
Cut = Optional[tuple[int, int, int]]
"""An axis of a block, and what is taken along it: from where, to where."""

BLOCK = 1 << 20
"""Bytes of contiguous data that are read at once."""
RUN = 8192
"""Bytes of a run from which on it is worth to read it alone, and not all that is around it."""


class Blocks(Protocol):
    """What pieces are made of."""

    shape: Index
    chunks: Index
    dtype: np.dtype[Any]

    @property
    def whole(self) -> Plain | None:
        """The whole data set, where it lies in files as it is."""

    begins: bool
    """Whether the first values of a block can be had without the others."""

    def absent(self, index: Index) -> bool:
        """Whether nothing was ever written there: it is all `fill` then."""

    @property
    def fill(self) -> Any:
        """What was never written reads as this."""

    def load(self, index: Index, cut: Cut) -> Array:
        """A block, or what the cut takes of it; in memory that is nobody else's."""

    def plain(self, index: Index) -> Plain | None:
        """Where its values lie, if they lie in a file as they are."""

    def offsets(self, indices: Iterable[Index]) -> tuple[int, list[int]] | None:
        """The one file in which all of these lie as they are, and where each begins."""


class Chunked:
    """Chunks, filtered or not."""

    whole: Plain | None = None

    def __init__(self, dataset: h5py.Dataset, fd: int, pipeline: Pipeline | None) -> None:
        self.shape = dataset.shape
        self.chunks = dataset.chunks
        self.dtype = dataset.dtype
        self.index = ChunkIndex(dataset)
        self._dataset = dataset
        self._fd = fd
        self._pipeline = pipeline
        self._size = prod(self.chunks) * self.dtype.itemsize
        self.begins = pipeline is not None and pipeline.begins

    @property
    def fill(self) -> Any:
        return self._dataset.fillvalue

    @property
    def checksummed(self) -> bool:
        """Whether what a writer has torn is found out."""
        return self._pipeline is not None and self._pipeline.checksummed

    def absent(self, index: Index) -> bool:
        return self.index.find(index) is None

    def load(self, index: Index, cut: Cut) -> Array:
        location = self.index.find(index)
        if location is None or self._pipeline is None:
            return self._asked(index, cut)
        if not self._pipeline.applied(location.mask):
            plain = self.plain(index)
            return self._asked(index, cut) if plain is None else _load(plain, cut)
        try:
            if self.begins and cut is not None and cut[0] == 0:
                return self._decoded(location, min(cut[2], self.chunks[0]))[cut[1] :].copy()
            return _part(self._decoded(location, self.chunks[0]), cut)
        except Undecodable:
            return self._asked(index, cut)

    def plain(self, index: Index) -> Plain | None:
        location = self.index.find(index)
        if location is None or self._pipeline is None or self._pipeline.applied(location.mask):
            return None
        if location.size != self._size:
            return None
        extent = Extent(self._fd, location.offset, location.size)
        return Plain((extent,), self.dtype, self.chunks)

    def offsets(self, indices: Iterable[Index]) -> tuple[int, list[int]] | None:
        if self._pipeline is None:
            return None
        found = []
        for index in indices:
            place = self.index.find(index)
            if place is None or place.size != self._size or self._pipeline.applied(place.mask):
                return None
            found.append(place.offset)
        return self._fd, found

    def _decoded(self, location: Location, planes: int) -> Array:
        """So many planes of the first axis; fewer than all only where that is less work."""
        assert self._pipeline is not None
        raw = scratch.take(location.size)
        Plain((Extent(self._fd, location.offset, location.size),), self.dtype, ()).read(0, raw)
        nbytes = self._size // self.chunks[0] * planes
        made = self._pipeline.undo(raw, location.mask, nbytes, nbytes < self._size)
        if isinstance(made, memoryview):
            made = bytes(made)
        return np.frombuffer(made, self.dtype).reshape(planes, *self.chunks[1:])

    def _asked(self, index: Index, cut: Cut) -> Array:
        return _asked(self._dataset, box(index, self.chunks, self.shape), cut)


class Contiguous:
    """What lies in one run of bytes, or in several files' one after the other."""

    begins = False
    fill = None

    def __init__(
        self, shape: Index, dtype: np.dtype[Any], extents: tuple[Extent, ...], block: int = BLOCK
    ) -> None:
        self.shape = shape
        self.dtype = dtype
        self.chunks = runs_of(shape, dtype.itemsize, block)
        self._all = Plain(extents, dtype, shape)

    @property
    def whole(self) -> Plain:
        return self._all

    def absent(self, index: Index) -> bool:
        return False

    def load(self, index: Index, cut: Cut) -> Array:
        return _load(self.plain(index), cut)

    def plain(self, index: Index) -> Plain:
        here = box(index, self.chunks, self.shape)
        first = sum(part.start * prod(self.shape[axis + 1 :]) for axis, part in enumerate(here))
        return self._all.part(first, tuple(part.stop - part.start for part in here))

    def offsets(self, indices: Iterable[Index]) -> None:
        return None


class Asked:
    """What HDF5 has to read and convert itself, in blocks of the data set's own shape."""

    whole: Plain | None = None
    begins = False

    def __init__(self, dataset: h5py.Dataset, block: int = BLOCK) -> None:
        self.shape = dataset.shape
        self.dtype = dataset.dtype
        self.chunks = dataset.chunks or runs_of(self.shape, self.dtype.itemsize, block)
        self._dataset = dataset

    @property
    def fill(self) -> Any:
        return self._dataset.fillvalue

    def absent(self, index: Index) -> bool:
        return False

    def load(self, index: Index, cut: Cut) -> Array:
        return _asked(self._dataset, box(index, self.chunks, self.shape), cut)

    def plain(self, index: Index) -> None:
        return None

    def offsets(self, indices: Iterable[Index]) -> None:
        return None


def runs_of(shape: Index, itemsize: int, block: int) -> Index:
    """Blocks of about that many bytes whose values follow each other in C order."""
    room = max(1, block // max(1, itemsize))
    lengths: list[int] = []
    for length in reversed(shape):
        lengths.append(max(1, min(length, room)))
        room //= max(1, length)
    return tuple(reversed(lengths))


def _load(plain: Plain, cut: Cut) -> Array:
    itemsize = plain.dtype.itemsize
    if cut is None:
        return plain.box([slice(0, length) for length in plain.dims])
    part = _taken(cut, plain.dims)
    if Plan.of(plain.dims, part).span * itemsize >= RUN:
        return by_planes(plain.box(part), cut[0])
    memory = scratch.take(prod(plain.dims) * itemsize)
    plain.read(0, memory)
    return _part(np.frombuffer(memory, plain.dtype).reshape(plain.dims), cut)


def by_planes(part: Array, axis: int) -> Array:
    """A copy in which each plane lies in one piece: it is read for many, one after the other."""
    return np.moveaxis(np.moveaxis(part, axis, 0).copy(order="C"), 0, axis)


def _asked(dataset: h5py.Dataset, here: Sequence[slice], cut: Cut) -> Array:
    if cut is not None:
        taken = _taken(cut, [part.stop - part.start for part in here])
        here = [
            slice(whole.start + part.start, whole.start + part.stop)
            for whole, part in zip(here, taken)
        ]
    return np.asarray(dataset[tuple(here)], dataset.dtype)


def _part(block: Array, cut: Cut) -> Array:
    return block if cut is None else by_planes(block[_taken(cut, block.shape)], cut[0])


def _taken(cut: tuple[int, int, int], dims: Sequence[int]) -> tuple[slice, ...]:
    at, begin, end = cut
    return tuple(
        slice(min(begin, length), min(end, length)) if axis == at else slice(0, length)
        for axis, length in enumerate(dims)
    )
