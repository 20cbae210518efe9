"""Which chunks a selection touches, and what of each goes where: pure arithmetic."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any

import numpy as np

from .selection import Selection

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Tile:
    """One chunk's share of a selection."""

    index: tuple[int, ...]
    inside: tuple[slice, ...]
    target: tuple[slice, ...]


@dataclass(frozen=True)
class Pattern:
    """The same part of each chunk that is touched: together all of the selection, and maybe a
    little around it, where it does not end with a chunk."""

    indices: tuple[range, ...]
    inside: tuple[slice, ...]
    wanted: tuple[slice, ...]

    @classmethod
    def of(cls, selection: Selection, chunks: tuple[int, ...]) -> Pattern | None:
        """None if there is a step: each chunk has its own part then."""
        indices, inside, wanted = [], [], []
        for start, count, step, length in zip(
            selection.starts, selection.counts, selection.steps, chunks
        ):
            if not count or (step > 1 and count > 1):
                return None
            first, last = start // length, (start + count - 1) // length
            begin = start - first * length
            alone = first == last
            indices.append(range(first, last + 1))
            inside.append(slice(begin, begin + count) if alone else slice(0, length))
            wanted.append(slice(0, count) if alone else slice(begin, begin + count))
        return cls(tuple(indices), tuple(inside), tuple(wanted))

    @property
    def count(self) -> int:
        """How many chunks there are."""
        return prod(map(len, self.indices))

    def join(self, parts: Array, out: Array) -> None:
        """The selection, of the chunks' parts one after the other."""
        sizes = [part.stop - part.start for part in self.inside]
        numbers = [len(along) for along in self.indices]
        rank = len(sizes)
        ordered = parts.reshape(*numbers, *sizes).transpose(
            [axis for pair in zip(range(rank), range(rank, 2 * rank)) for axis in pair]
        )
        whole = [number * size for number, size in zip(numbers, sizes)]
        if list(out.shape) == whole and out.flags.c_contiguous:
            out.reshape(ordered.shape)[...] = ordered
        else:
            out[...] = ordered.reshape(whole)[self.wanted]


@dataclass(frozen=True)
class _Share:
    index: int
    inside: slice
    target: slice


def tiles(selection: Selection, chunks: tuple[int, ...]) -> Iterator[Tile]:
    """Chunks that a step leaps over are not among them."""
    axes = [
        list(_shares(start, count, step, length))
        for start, count, step, length in zip(
            selection.starts, selection.counts, selection.steps, chunks
        )
    ]
    for shares in product(*axes):
        yield Tile(
            tuple(share.index for share in shares),
            tuple(share.inside for share in shares),
            tuple(share.target for share in shares),
        )


def touched(selection: Selection, chunks: tuple[int, ...]) -> tuple[int, ...]:
    """How many chunks there are along each axis, without making a list of them."""
    counts = []
    for start, count, step, length in zip(
        selection.starts, selection.counts, selection.steps, chunks
    ):
        if not count:
            counts.append(0)
        elif step > length:
            counts.append(count)
        else:
            counts.append((start + (count - 1) * step) // length - start // length + 1)
    return tuple(counts)


def how_many(selection: Selection, chunks: tuple[int, ...]) -> int:
    """How many chunks a selection touches."""
    return prod(touched(selection, chunks))


def box(
    index: tuple[int, ...], chunks: tuple[int, ...], shape: tuple[int, ...]
) -> tuple[slice, ...]:
    """Where a chunk lies in its data set; the last ones are cut off at its end."""
    return tuple(
        slice(place * length, min((place + 1) * length, whole))
        for place, length, whole in zip(index, chunks, shape)
    )


def _shares(start: int, count: int, step: int, length: int) -> Iterator[_Share]:
    done = 0
    while done < count:
        first = start + done * step
        index = first // length
        here = min(-((first - (index + 1) * length) // step), count - done)
        inside = first - index * length
        yield _Share(
            index,
            slice(inside, inside + (here - 1) * step + 1, step),
            slice(done, done + here),
        )
        done += here
