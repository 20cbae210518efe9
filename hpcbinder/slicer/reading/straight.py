"""What is read where it lies, past the cache: where that costs less than whole blocks would."""

from __future__ import annotations

from itertools import product
from math import prod
from typing import Any

import numpy as np

from ..work import Work
from .blocks import Blocks
from .extents import Plain, Plan, gathered
from .grid import Pattern, Tile, how_many, tiles
from .selection import Selection

Array = np.ndarray[Any, Any]

READ_SECONDS = 2.5e-6
BYTE_SECONDS = 2.5e-10
"""What a read costs, and each byte of it, where the file is in the machine's memory."""
CHEAP_RUNS = 64
"""Reads that are so few that nothing has to be prepared for them."""
FAR = 4
"""How many planes ahead the system is told of what will be read."""


def read(blocks: Blocks, out: Array, selection: Selection, work: Work) -> bool:
    """Whether it was worth it, and is done."""
    itemsize = blocks.dtype.itemsize
    most = _costs(how_many(selection, blocks.chunks), nbytes(blocks))
    if blocks.whole is not None:
        plan = Plan.of(blocks.whole.dims, selection.slices)
        cheap = _costs(plan.runs, plan.span * itemsize) <= most
        if cheap:
            blocks.whole.follow(plan, out, work.check)
        return cheap
    pattern = Pattern.of(selection, blocks.chunks)
    if pattern is not None and pattern.count > 1:
        plan = Plan.of(blocks.chunks, pattern.inside)
        if _costs(plan.runs * pattern.count, plan.span * itemsize) <= most:
            return _read_alike(blocks, out, pattern, plan, work) or _read_each(
                blocks, out, selection, work
            )
        return False
    first = next(tiles(selection, blocks.chunks))
    plan = Plan.of(blocks.chunks, first.inside)
    cheap = _costs(plan.runs * how_many(selection, blocks.chunks), plan.span * itemsize) <= most
    return cheap and _read_each(blocks, out, selection, work)


def _read_alike(blocks: Blocks, out: Array, pattern: Pattern, plan: Plan, work: Work) -> bool:
    """All at once, if each chunk lies in the same file as it is."""
    found = blocks.offsets(product(*pattern.indices))
    if found is None:
        return False
    fd, offsets = found
    itemsize = blocks.dtype.itemsize
    starts = [start * itemsize for start in plan.starts()]
    span = plan.span * itemsize
    held = 2 * span * len(starts) * len(offsets)
    work.claim(held)
    places = [offset + start for offset in offsets for start in starts]
    data = gathered(fd, places, span, work.check)
    pattern.join(np.frombuffer(data, blocks.dtype), out)
    work.release(held)
    return True


def _read_each(blocks: Blocks, out: Array, selection: Selection, work: Work) -> bool:
    wanted = list(tiles(selection, blocks.chunks))
    plains = [blocks.plain(tile.index) for tile in wanted]
    if not any(plains):
        return False
    for tile, plain in zip(wanted, plains):
        work.check()
        if plain is not None:
            plain.into(out[tile.target], tile.inside)
        elif not absent(blocks, tile, out):
            out[tile.target] = blocks.load(tile.index, None)[tile.inside]
    return True


def advise(blocks: Blocks, selection: Selection, axis: int, direction: int) -> bool:
    """What is read straight needs no preparation but that the file's next bytes are near. Of those
    nearer than the one that is told of here, the system was told before."""
    if how_many(selection, blocks.chunks) > CHEAP_RUNS:
        return False
    here = _plains(blocks, selection)
    runs = sum(Plan.of(plain.dims, inside).runs for plain, inside in here[:1]) * len(here)
    if not here or runs > CHEAP_RUNS:
        return False
    far = selection.moved(axis, FAR * direction, blocks.shape[axis])
    for plain, inside in [] if far is None else _plains(blocks, far):
        plain.advise(inside)
    return True


def _plains(blocks: Blocks, selection: Selection) -> list[tuple[Plain, tuple[slice, ...]]]:
    """Where a selection lies in files as it is."""
    if blocks.whole is not None:
        return [(blocks.whole, selection.slices)]
    found = [(blocks.plain(tile.index), tile.inside) for tile in tiles(selection, blocks.chunks)]
    return [(plain, inside) for plain, inside in found if plain is not None]


def nbytes(blocks: Blocks) -> int:
    """Of one block."""
    return prod(blocks.chunks) * blocks.dtype.itemsize


def absent(blocks: Blocks, tile: Tile, out: Array) -> bool:
    """Whether a tile was never written; it is filled then."""
    missing = blocks.absent(tile.index)
    if missing:
        out[tile.target] = blocks.fill
    return missing


def _costs(reads: int, size: int) -> float:
    return reads * (READ_SECONDS + size * BYTE_SECONDS)
