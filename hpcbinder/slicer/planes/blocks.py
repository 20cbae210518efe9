"""A data set in blocks, in an order of which every beginning is spread over the whole."""

from __future__ import annotations

import math
from dataclasses import dataclass

from .source import Key

BLOCK_VALUES = 1 << 19
"""About so many values at once; a chunk that is larger is one block."""
MOST_VALUES = 1 << 23
"""A chunk that is larger even than this is read in parts."""
GOLDEN = (math.sqrt(5) - 1) / 2


@dataclass(frozen=True)
class Blocks:
    """Blocks of `side` values along each axis; those at the far edges are smaller."""

    shape: tuple[int, ...]
    side: tuple[int, ...]

    @property
    def grid(self) -> tuple[int, ...]:
        return tuple(-(-size // side) for size, side in zip(self.shape, self.side))

    @property
    def count(self) -> int:
        """How many; it may be more than `len` could say."""
        return math.prod(self.grid)

    def key(self, turn: int) -> Key:
        """The block whose turn it is. Each has one: the stride shares no factor with the count."""
        place = turn * self._stride % self.count
        key: list[slice] = []
        for size, side, many in reversed(list(zip(self.shape, self.side, self.grid))):
            place, at = divmod(place, many)
            key.append(slice(at * side, min((at + 1) * side, size), 1))
        return tuple(reversed(key))

    @property
    def _stride(self) -> int:
        count = self.count
        stride = max(1, round(count * GOLDEN))
        while math.gcd(stride, count) != 1:
            stride += 1
        return stride


def blocks_of(
    shape: tuple[int, ...], chunks: tuple[int, ...] | None, values: int = BLOCK_VALUES
) -> Blocks:
    """Whole chunks, several of them if they are small; what has no chunks, in runs of memory."""
    side = list(chunks or (1,) * len(shape))
    # From the last axis on, so that what lies side by side in the file is read at once.
    for axis in reversed(range(len(shape))):
        room = values // max(1, math.prod(side))
        if room <= 1:
            break
        wanted = -(-shape[axis] // side[axis])
        side[axis] *= max(1, min(room, wanted))
    while math.prod(side) > MOST_VALUES:
        longest = side.index(max(side))
        side[longest] = -(-side[longest] // 2)
    return Blocks(shape, tuple(side))
