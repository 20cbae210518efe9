"""From what is asked to what is read, and from what was read to rows and columns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from .request import PlaneRequest
from .source import Array, Key


@dataclass(frozen=True)
class Selection:
    """A plane within a data set. `swapped`: its rows lie along a later axis than its columns."""

    rows: int | None
    columns: int
    at: tuple[int, ...]
    window: tuple[int, int, int, int]
    step: int

    @property
    def swapped(self) -> bool:
        return self.rows is not None and self.rows > self.columns

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of what is read, with the step."""
        row0, row1, column0, column1 = self.window
        return -(-(row1 - row0) // self.step), -(-(column1 - column0) // self.step)

    @property
    def key(self) -> Key:
        row0, row1, column0, column1 = self.window
        key: list[int | slice] = list(self.at)
        key[self.columns] = slice(column0, column1, self.step)
        if self.rows is not None:
            key[self.rows] = slice(row0, row1, self.step)
        return tuple(key)

    def arrange(self, read: Array) -> Array:
        """What was read with `key`, as rows and columns; nothing is copied."""
        if self.rows is None:
            return read.reshape(1, -1)
        return read.T if self.swapped else read

    def bands(self, values: int) -> Iterator[Selection]:
        """From the top down in bands that have about so many values each, for what has to be held
        only in part. A line goes in pieces of its columns."""
        row0, row1, column0, column1 = self.window
        if self.rows is None:
            height = max(1, values) * self.step
            for start in range(column0, column1, height):
                yield replace(self, window=(0, 1, start, min(start + height, column1)))
            return
        height = max(1, values // max(1, self.shape[1])) * self.step
        for start in range(row0, row1, height):
            yield replace(self, window=(start, min(start + height, row1), column0, column1))


def plan(request: PlaneRequest, shape: tuple[int, ...]) -> Selection:
    """The window that is asked, or else everything."""
    whole = (0, 1 if request.rows is None else shape[request.rows], 0, shape[request.columns])
    return Selection(
        rows=request.rows,
        columns=request.columns,
        at=request.at,
        window=request.window or whole,
        step=request.step,
    )
