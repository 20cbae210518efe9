"""What is kept as one piece: how much of each chunk, and how many chunks together.

Whoever goes along an axis needs the chunks of one slab for many planes. If these chunks do not fit
into the cache together, each would be gone before the next plane asks for it; so only those
planes of them are kept that fit. And what is small is kept together with its neighbours in the
plane, since each piece costs time of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod

from .grid import Tile, touched
from .selection import Selection


@dataclass(frozen=True)
class Window:
    """Parts of chunks, cut along an axis, `depth` values thick; no axis: chunks as they are."""

    axis: int | None
    depth: int = 0
    group: tuple[int, ...] = ()
    """How many chunks make one piece, along each axis."""

    def part(self, inside: tuple[slice, ...]) -> int:
        """Which part of its chunk a tile lies in."""
        return 0 if self.axis is None else inside[self.axis].start // self.depth


WHOLE = Window(None)
JUMP = 8
"""Planes that are kept of what was jumped to: to copy more of them would cost the jump."""
PIECE = 1 << 20
"""Bytes from which on a piece is large enough to be handled alone."""


def window(
    selection: Selection,
    chunks: tuple[int, ...],
    itemsize: int,
    share: int,
    along: int | None = None,
    travelling: bool = True,
    quick: bool = False,
) -> Window:
    """`share`: the bytes that one slab may take; `along`: the axis that is travelled, if known;
    `quick`: the beginnings of chunks are had sooner than all of them, and that counts now."""
    cut = _depth(selection, chunks, itemsize, share, along, travelling, quick)
    nbytes = prod(chunks) * itemsize
    if cut.axis is not None:
        nbytes = nbytes // chunks[cut.axis] * cut.depth
    return replace(cut, group=_group(selection, chunks, max(1, nbytes), share))


def _group(
    selection: Selection, chunks: tuple[int, ...], nbytes: int, share: int
) -> tuple[int, ...]:
    """Powers of two, so that other windows of the same plane mostly find the same pieces."""
    room = min(PIECE, share) // nbytes
    group = []
    for number, length, step in zip(
        reversed(touched(selection, chunks)), reversed(chunks), reversed(selection.steps)
    ):
        # What a step leaps over is not wanted.
        most = 1 if step > length else min(room, number // 2)
        group.append(1 << most.bit_length() - 1 if most > 1 else 1)
        room //= group[-1]
    return tuple(reversed(group))


def _depth(
    selection: Selection,
    chunks: tuple[int, ...],
    itemsize: int,
    share: int,
    along: int | None,
    travelling: bool,
    quick: bool,
) -> Window:
    normals = [
        axis
        for axis, (count, length) in enumerate(zip(selection.counts, chunks))
        if count == 1 and length > 1
    ]
    if not normals:
        return WHOLE
    axis = along if along in normals else max(normals, key=lambda axis: chunks[axis])
    assert axis is not None
    numbers = touched(selection, chunks)
    plane = itemsize * prod(
        number * length
        for other, (number, length) in enumerate(zip(numbers, chunks))
        if other != axis
    )
    deepest = max(1, share // max(1, plane))
    length = chunks[axis]
    if deepest >= length and not (quick and axis == 0):
        # Along the last axis, the values of a plane lie apart: they are put together once for all.
        return Window(axis, length) if travelling and axis == len(chunks) - 1 else WHOLE
    if quick or not travelling:
        deepest = min(deepest, JUMP)
    parts = -(-length // deepest)
    return Window(axis, -(-length // parts))


def around(at: int, cut: Window, axis: int, chunk: int) -> tuple[int, int]:
    """Where the slab of an index begins and ends."""
    depth = cut.depth if cut.axis == axis else chunk
    begin = at - at % chunk + at % chunk // depth * depth
    return begin, min(begin + depth, at - at % chunk + chunk)


def within(tile: Tile, cut: Window) -> tuple[slice, ...]:
    """Where in its piece a tile's values are."""
    if cut.axis is None:
        return tile.inside
    at = tile.inside[cut.axis].start % cut.depth
    return (*tile.inside[: cut.axis], slice(at, at + 1), *tile.inside[cut.axis + 1 :])
