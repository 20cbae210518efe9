"""While a slider is dragged, the next pictures are there when they are asked for."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
from doubles.reader_in_memory import ReaderInMemory, work

from hpcbinder.slicer.planes import PlaneRequest, render
from hpcbinder.slicer.planes.ahead import Ahead
from hpcbinder.slicer.work import Work

SECONDS = 20
FIRST = PlaneRequest(rows=1, columns=2, at=(0, 0, 0))


class GatedReader(ReaderInMemory):
    """Slices from `gated` on are only read when the gate is open."""

    def __init__(self, gated: int = 1) -> None:
        super().__init__(np.arange(6 * 4 * 5.0).reshape(6, 4, 5))
        self.gated = gated
        self.reached = threading.Event()
        self.gate = threading.Event()

    def read(self, key: tuple[int | slice, ...], work: Work) -> np.ndarray[Any, Any]:
        if isinstance(key[0], int) and key[0] >= self.gated:
            self.reached.set()
            assert self.gate.wait(SECONDS)
        return super().read(key, work)

    @contextmanager
    def again(self, work: Work) -> Iterator[ReaderInMemory]:
        yield self

    def times(self, index: int) -> int:
        """How often a slice was read to its end."""
        return sum(key[0] == index for key in self.reads)


def at(index: int) -> PlaneRequest:
    return replace(FIRST, at=(index, 0, 0))


def follow(ahead: Ahead, reader: GatedReader, index: int, direction: int = 1) -> None:
    ahead.follow(reader, at(index), 0, direction, reader.again, 1 << 20)


def test_what_was_made_ahead_is_the_same_picture_and_is_not_made_again() -> None:
    ahead, reader = Ahead(), GatedReader()
    first = ahead.plane(reader, at(0), work())
    assert first == render(reader, at(0), work())
    follow(ahead, reader, 0)
    assert reader.reached.wait(SECONDS)
    # It is being made now: whoever asks gets that one.
    reader.gate.set()
    second = ahead.plane(reader, at(1), work())
    assert reader.times(1) == 1
    assert second == render(reader, at(1), work())


def test_another_request_comes_first_and_ends_what_was_being_made() -> None:
    ahead, reader = Ahead(), GatedReader(gated=2)
    follow(ahead, reader, 1)
    assert reader.reached.wait(SECONDS)
    ahead.plane(reader, at(0), work())
    reader.gate.set()
    assert ahead.plane(reader, at(2), work()) == render(reader, at(2), work())
    # By the request and by this test, and to no end before; the third was not begun at all.
    assert (reader.times(2), reader.times(3)) == (2, 0)


def test_the_other_way_and_no_further_than_the_data_set() -> None:
    ahead, reader = Ahead(), GatedReader(gated=0)
    follow(ahead, reader, 1, direction=-1)
    assert reader.reached.wait(SECONDS)
    reader.gate.set()
    ahead.plane(reader, at(0), work())
    assert reader.times(0) == 1
    assert {key[0] for key in reader.reads} == {0}


def test_what_may_change_unseen_is_not_made_ahead() -> None:
    ahead, reader = Ahead(), GatedReader()
    reader.verified = False
    follow(ahead, reader, 0)
    assert not reader.reached.wait(0.3)


def test_what_changed_is_made_anew() -> None:
    ahead, reader = Ahead(), GatedReader()
    follow(ahead, reader, 0)
    assert reader.reached.wait(SECONDS)
    reader.gate.set()
    before = ahead.plane(reader, at(1), work())
    reader.array[1] = 7
    after = ahead.plane(reader, at(1), work())
    assert (before.header["range"], after.header["range"]) == ([20, 39], [7, 7])
    # The same data set, read by another reader.
    other = GatedReader()
    other.gate.set()
    ahead.plane(other, at(1), work())
    assert other.times(1) == 1


def test_no_more_is_kept_than_fits() -> None:
    ahead, reader = Ahead(most_bytes=10), GatedReader()
    follow(ahead, reader, 0)
    assert reader.reached.wait(SECONDS)
    reader.gate.set()
    # It had 20 bytes.
    ahead.plane(reader, at(1), work())
    assert reader.times(1) == 2
