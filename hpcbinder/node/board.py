"""What the workers of a node tell their launcher: a row of numbers each, in memory that they share.

No pipe and no call: a worker writes when it hears from the scheduler, the launcher looks when it
wants to know.
"""

from __future__ import annotations

import mmap
import struct
import time

ROW = struct.Struct("=Qddd")
CONNECTED = 1
RETIRED = 2


class Board:
    """A row per worker. Times are the node's monotonic clock, which all of its processes share."""

    def __init__(self, workers: int) -> None:
        self._memory = mmap.mmap(-1, ROW.size * workers)

    def clear(self, index: int) -> None:
        """A new worker begins."""
        self._write(index, 0, 0.0, 0.0, 0.0)

    def connected(self, index: int) -> None:
        """The scheduler knows the worker."""
        now = time.monotonic()
        self._write(index, CONNECTED, now, now, now)

    def asking(self, index: int) -> None:
        """The worker asks the scheduler for a sign of life."""
        state, since, _, heard = self._read(index)
        self._write(index, state, since, time.monotonic(), heard)

    def answered(self, index: int) -> None:
        """The scheduler has given one."""
        state, since, asked, _ = self._read(index)
        self._write(index, state, since, asked, time.monotonic())

    def retired(self, index: int) -> None:
        """The scheduler has told the worker to go."""
        _, *times = self._read(index)
        self._write(index, RETIRED, *times)

    def is_connected(self, index: int) -> bool:
        """Whether the scheduler has known this worker."""
        return self._read(index)[0] != 0

    def is_retired(self, index: int) -> bool:
        """Whether this worker was told to go."""
        return self._read(index)[0] == RETIRED

    def connected_since(self, index: int) -> float:
        """When the scheduler came to know it."""
        return self._read(index)[1]

    def contact(self, index: int, now: float) -> float:
        """When this worker was surely in contact with the scheduler, last.

        One that is too busy to ask has lost nothing: its connection is there.
        """
        state, _, asked, heard = self._read(index)
        if not state:
            return 0.0
        return heard if asked > heard else now

    def _read(self, index: int) -> tuple[int, float, float, float]:
        state, since, asked, heard = ROW.unpack_from(self._memory, index * ROW.size)
        return state, since, asked, heard

    def _write(self, index: int, state: int, since: float, asked: float, heard: float) -> None:
        ROW.pack_into(self._memory, index * ROW.size, state, since, asked, heard)
