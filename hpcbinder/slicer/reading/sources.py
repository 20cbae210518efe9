"""How values get from blocks into a result: piece by piece through the cache, or straight."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from functools import partial
from math import prod
from typing import Any

import numpy as np

from ..errors import Refusal
from ..work import Work
from . import straight
from .blocks import Blocks, Cut
from .external import RawFiles
from .grid import Tile, how_many, tiles
from .grouped import Grouped
from .pieces import Load, Pieces
from .reader import Stamps
from .selection import Selection
from .windows import Window, around, window, within

Array = np.ndarray[Any, Any]

MOST_CHUNKS = 100_000
"""Of one selection. Only absurdly small chunks come to more."""
AHEAD_PLANES = 16
AHEAD_BYTES = 4 << 30
"""What is read ahead at most, counted in bytes of the file."""


class ThroughCache:
    """Blocks of a data set, kept as long as there is room."""

    verified = True

    def __init__(
        self,
        blocks: Blocks,
        pieces: Pieces,
        token: Hashable,
        raw: RawFiles | None = None,
    ) -> None:
        self.blocks = blocks
        self._raw = raw
        self._pieces = pieces
        self._token = token
        # This slab and the next one, and some room for what was looked at before.
        self._share = pieces.budget * 2 // 5
        self._along: int | None = None
        self._seen = False
        self._expected_range = range(0)
        self._expected: object = None

    def fill(self, out: Array, selection: Selection, work: Work, among: int) -> None:
        """`out` has all of the selection's axes."""
        _refuse_too_many(how_many(selection, self.blocks.chunks))
        along = self._along
        on_the_way = along is not None and selection.starts[along] in self._expected_range
        cut = self._window(selection, among, on_the_way)
        blocks = self._grouped(cut)
        if not self._kept(tiles(selection, blocks.chunks), cut):
            with self._pieces.first():
                if straight.read(self.blocks, out, selection, work):
                    return
        nbytes = 2 * straight.nbytes(blocks)
        work.claim(nbytes)
        self._pieces.collect(
            [
                (
                    self._key(tile, cut),
                    _load(blocks, tile, cut),
                    partial(_copy, out, tile.target, within(tile, cut)),
                )
                for tile in tiles(selection, blocks.chunks)
                if not straight.absent(blocks, tile, out)
            ],
            work,
        )
        work.release(nbytes)
        self._seen = True

    def ahead(self, selection: Selection, axis: int, direction: int, among: int) -> None:
        """Have this slab and the next ones made when there is time for it."""
        self._along = axis
        if how_many(selection, self.blocks.chunks) > MOST_CHUNKS:
            return
        if straight.advise(self.blocks, selection, axis, direction):
            return
        # More than that takes longer to read than anybody goes on in one direction.
        if (
            how_many(selection, self.blocks.chunks) * straight.nbytes(self.blocks) * among
            > AHEAD_BYTES
        ):
            return
        cut = self._window(selection, among, travelling=True)
        blocks = self._grouped(cut)
        slabs = self._slabs(selection, cut, axis, direction, among)
        self._expected_range = self._range(slabs, cut, axis)
        first = [next(tiles(slab, blocks.chunks)) for slab in slabs]
        expected = [self._key(tile, cut) for tile in first], selection.counts, selection.steps
        if expected == self._expected:
            return
        self._expected = expected
        self._pieces.expect(
            (self._token, axis),
            [
                (self._key(tile, cut), _load(blocks, tile, cut))
                for slab in slabs
                for tile in tiles(slab, blocks.chunks)
                if not blocks.absent(tile.index)
            ],
        )

    def stamps(self, selection: Selection) -> Stamps:
        """Those of raw files, if the blocks lie in some."""
        return () if self._raw is None else self._raw.stamps

    def current(self) -> bool:
        """Whether raw files are as they were."""
        return self._raw is None or self._raw.current()

    def _window(self, selection: Selection, among: int, travelling: bool) -> Window:
        itemsize = self.blocks.dtype.itemsize
        share = self._share // among
        chunks = self.blocks.chunks
        # Somebody waits in front of an empty panel; whoever goes on from there waits for the rest.
        quick = self.blocks.begins and not self._seen and not travelling
        return window(selection, chunks, itemsize, share, self._along, travelling, quick)

    def _grouped(self, cut: Window) -> Blocks:
        return self.blocks if prod(cut.group) == 1 else Grouped(self.blocks, cut.group)

    def _key(self, tile: Tile, cut: Window) -> Hashable:
        return self._token, tile.index, cut, cut.part(tile.inside)

    def _kept(self, wanted: Iterable[Tile], cut: Window) -> bool:
        return all(self._pieces.has(self._key(tile, cut)) for tile in wanted)

    def _slabs(
        self, selection: Selection, cut: Window, axis: int, direction: int, among: int
    ) -> list[Selection]:
        """One selection for each slab: this one's, and those of the next slabs."""
        blocks = self.blocks
        chunk = blocks.chunks[axis]
        depth = cut.depth if cut.axis == axis else chunk
        nbytes = how_many(selection, blocks.chunks) * straight.nbytes(blocks) * among
        room = min(self._share * chunk // max(1, nbytes * depth), AHEAD_BYTES // max(1, nbytes))
        slabs = [selection]
        for _ in range(min(room, -(-AHEAD_PLANES // depth))):
            at = slabs[-1].starts[axis]
            begin, end = around(at, cut, axis, chunk)
            target = end if direction > 0 else begin - 1
            near = selection.moved(axis, target - selection.starts[axis], blocks.shape[axis])
            if near is None:
                break
            slabs.append(near)
        return slabs

    def _range(self, slabs: list[Selection], cut: Window, axis: int) -> range:
        """All indices of the axis that these slabs hold."""
        ends = [around(slab.starts[axis], cut, axis, self.blocks.chunks[axis]) for slab in slabs]
        return range(min(begin for begin, _ in ends), max(end for _, end in ends))


def _refuse_too_many(count: int) -> None:
    if count > MOST_CHUNKS:
        raise Refusal(
            413,
            f"This lies in {count:,} chunks of the file; {MOST_CHUNKS:,} can be read at once.",
            "Ask for a smaller part. Files with larger chunks are read much faster.",
            "chunks",
        )


def _load(blocks: Blocks, tile: Tile, cut: Window) -> Load:
    taken: Cut = None
    if cut.axis is not None:
        begin = cut.part(tile.inside) * cut.depth
        taken = cut.axis, begin, begin + cut.depth
    return partial(blocks.load, tile.index, taken)


def _copy(out: Array, target: tuple[slice, ...], inside: tuple[slice, ...], piece: Array) -> None:
    out[target] = piece[inside]
