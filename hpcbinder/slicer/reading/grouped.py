"""Neighbouring blocks that are kept as one."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product
from typing import Any

import numpy as np

from .blocks import Array, Blocks, Cut, Index
from .extents import Plain
from .grid import box


class Grouped:
    """Blocks of blocks; what is cut is cut along an axis on which one block makes one of these."""

    whole: Plain | None = None
    begins = False

    def __init__(self, blocks: Blocks, group: Index) -> None:
        self.shape = blocks.shape
        self.dtype = blocks.dtype
        self.chunks = tuple(length * number for length, number in zip(blocks.chunks, group))
        self._blocks = blocks
        self._group = group

    @property
    def fill(self) -> Any:
        return self._blocks.fill

    def absent(self, index: Index) -> bool:
        return all(self._blocks.absent(member) for member in self._members(index))

    def load(self, index: Index, cut: Cut) -> Array:
        here = box(index, self.chunks, self.shape)
        dims = [part.stop - part.start for part in here]
        if cut is not None:
            dims[cut[0]] = min(cut[2], dims[cut[0]]) - cut[1]
        found = np.empty(dims, self.dtype) if cut is None else _planes(dims, cut[0], self.dtype)
        for member in self._members(index):
            at = box(member, self._blocks.chunks, self.shape)
            target = tuple(
                slice(None)
                if cut is not None and axis == cut[0]
                else slice(inner.start - outer.start, inner.stop - outer.start)
                for axis, (inner, outer) in enumerate(zip(at, here))
            )
            if self._blocks.absent(member):
                found[target] = self._blocks.fill
                continue
            into = found[target]
            piece = self._blocks.load(member, cut)
            into[...] = piece[tuple(slice(0, length) for length in into.shape)]
        return found

    def plain(self, index: Index) -> None:
        return None

    def offsets(self, indices: Iterable[Index]) -> None:
        return None

    def _members(self, index: Index) -> Any:
        return product(
            *(
                range(at * number, min((at + 1) * number, -(-whole // length)))
                for at, number, whole, length in zip(
                    index, self._group, self.shape, self._blocks.chunks
                )
            )
        )


def _planes(dims: list[int], axis: int, dtype: np.dtype[Any]) -> Array:
    order = [dims[axis], *dims[:axis], *dims[axis + 1 :]]
    return np.moveaxis(np.empty(order, dtype), 0, axis)
