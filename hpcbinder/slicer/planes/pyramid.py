"""Tiles of a very large plane: each is a window with a step, and each level has twice the step."""

from __future__ import annotations

from ..errors import wrong

TILE = 512
"""Rows and columns of a tile that is not cut by the edge."""


def levels(plane: tuple[int, int], size: int = TILE) -> int:
    """How many there are: level 0 has every value, in the last one tile shows the whole plane."""
    most = max(plane)
    count = 1
    while size << (count - 1) < most:
        count += 1
    return count


def tile_window(
    plane: tuple[int, int], level: int, row: int, column: int, size: int = TILE
) -> tuple[tuple[int, int, int, int], int]:
    """The window and the step of a tile."""
    if not 0 <= level < levels(plane, size):
        raise wrong("tile", f"This plane has {levels(plane, size)} levels, from 0.")
    step = 1 << level
    side = size * step
    row0, column0 = row * side, column * side
    if row < 0 or column < 0 or row0 > plane[0] or column0 > plane[1]:
        raise wrong("tile", f"There is no tile {row}, {column} on level {level}.")
    return (row0, min(row0 + side, plane[0]), column0, min(column0 + side, plane[1])), step
