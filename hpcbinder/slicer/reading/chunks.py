"""Where the chunks of a data set lie in their file: asked once, and with them nothing of HDF5."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

import h5py

AT_ONCE = 20_000
"""Chunks up to which all are asked for at once; more would hold HDF5's lock for long."""


@dataclass(frozen=True)
class Location:
    """A chunk's bytes, and the filters that they have not passed through (a bit for each)."""

    offset: int
    size: int
    mask: int


class ChunkIndex:
    """By the chunk's place in the grid of chunks."""

    def __init__(self, dataset: h5py.Dataset) -> None:
        self._dataset = dataset
        self._chunks: tuple[int, ...] = dataset.chunks
        self._found: dict[tuple[int, ...], Location | None] = {}
        grid = prod(-(-length // chunk) for length, chunk in zip(dataset.shape, self._chunks))
        self._complete = grid <= AT_ONCE and hasattr(dataset.id, "chunk_iter")
        if self._complete:
            dataset.id.chunk_iter(self._note)

    def find(self, index: tuple[int, ...]) -> Location | None:
        """None if nothing was ever written there."""
        if self._complete or index in self._found:
            return self._found.get(index)
        place = tuple(at * length for at, length in zip(index, self._chunks))
        # HDF5 refuses to say where a chunk is that is not there, or says that it is nowhere.
        try:
            self._note(self._dataset.id.get_chunk_info_by_coord(place), index)
        except (OSError, RuntimeError, ValueError):
            self._found[index] = None
        return self._found[index]

    def _note(self, info: Any, index: tuple[int, ...] | None = None) -> None:
        if index is None:
            places = zip(info.chunk_offset, self._chunks)
            index = tuple(offset // length for offset, length in places)
        located = info.byte_offset is not None and info.size
        self._found[index] = (
            Location(info.byte_offset, info.size, info.filter_mask) if located else None
        )
