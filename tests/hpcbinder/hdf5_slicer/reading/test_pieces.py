"""Pieces are made once however many ask, as long as somebody wants them, and within a budget."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from hpcbinder.slicer.errors import Cancelled
from hpcbinder.slicer.reading.extents import Scratch
from hpcbinder.slicer.reading.pieces import Array, Load, Pieces
from hpcbinder.slicer.work import Work


class Maker:
    """Makes a piece when it is let."""

    def __init__(self, value: int, size: int = 10) -> None:
        self.let = threading.Event()
        self.begun = threading.Event()
        self.times = 0
        self.piece = np.full(size, value, "u1")

    def __call__(self) -> Array:
        self.times += 1
        self.begun.set()
        assert self.let.wait(30)
        return self.piece


def fetch(pieces: Pieces, name: str, load: Load, work: Work) -> list[Array]:
    found: list[Array] = []
    pieces.collect([(name, load, found.append)], work)
    return found


def at_once(value: int, size: int = 10) -> Maker:
    maker = Maker(value, size)
    maker.let.set()
    return maker


def test_many_ask_and_one_is_made(work: Work) -> None:
    pieces, maker = Pieces(1000, threads=2), Maker(1)
    with ThreadPoolExecutor(4) as several:
        asked = [several.submit(fetch, pieces, "a", maker, work) for _ in range(4)]
        assert maker.begun.wait(30)
        maker.let.set()
        assert [each.result()[0][0] for each in asked] == [1, 1, 1, 1]
    assert maker.times == 1
    assert fetch(pieces, "a", maker, work)[0] is maker.piece
    pieces.close()


def test_the_oldest_goes_when_there_is_no_room(work: Work) -> None:
    pieces = Pieces(25, threads=1)
    for name in "aba":
        fetch(pieces, name, at_once(1), work)
    fetch(pieces, "c", at_once(3), work)
    assert [pieces.has(name) for name in "abc"] == [True, False, True]
    fetch(pieces, "too large", at_once(4, size=26), work)
    assert pieces.held == 20
    pieces.close()


def test_what_nobody_waits_for_is_not_made() -> None:
    pieces, first, second = Pieces(1000, threads=1), Maker(1), at_once(2)
    given_up, patient = Work(100, seconds=60), Work(100, seconds=60)

    def both(name: str, load: Load, work: Work) -> None:
        wanted = [(f"{name} {at}", load, lambda piece: None) for at in (1, 2)]
        pieces.collect(wanted, work)

    with ThreadPoolExecutor(2) as several:
        waiting = several.submit(both, "a", first, patient)
        assert first.begun.wait(30)
        dropped = several.submit(both, "b", second, given_up)
        given_up.cancel()
        with pytest.raises(Cancelled):
            dropped.result()
        first.let.set()
        waiting.result()
    both("c", at_once(3), patient)
    assert second.times == 0
    pieces.close()


def test_whoever_waits_comes_before_what_is_expected(work: Work) -> None:
    pieces, first = Pieces(1000, threads=1), Maker(1)
    made: list[str] = []

    def noted(name: str) -> Load:
        def load() -> Array:
            made.append(name)
            return np.zeros(1)

        return load

    pieces.expect("me", [("a", first)])
    assert first.begun.wait(30)
    pieces.expect("me", [(name, noted(name)) for name in "bc"])
    pieces.expect("you", [(name, noted(name)) for name in "cd"])
    pieces.expect("me", [("e", noted("e"))])
    # The thread that works ahead is at the first of all this still.
    fetch(pieces, "e", noted("e"), work)
    assert made == ["e"]
    first.let.set()
    pieces.expect("last", [("f", last := at_once(6))])
    assert last.begun.wait(30)
    # What I expected before, and nobody else did, was never made.
    assert made == ["e", "c", "d"]
    pieces.close()


def test_an_error_reaches_all_who_wait_and_the_next_one_tries_again(work: Work) -> None:
    pieces = Pieces(1000, threads=1)

    def broken() -> Array:
        raise OSError("torn")

    with pytest.raises(OSError, match="torn"):
        fetch(pieces, "a", broken, work)
    assert fetch(pieces, "a", at_once(5), work)[0][0] == 5
    pieces.close()


def test_what_is_large_and_rare_stays_in_no_threads_memory() -> None:
    scratch = Scratch()
    assert len(scratch.take(64 << 20)) == 64 << 20
    assert sum(map(len, vars(scratch).values())) == 0
    scratch.take(1 << 20)
    assert sum(map(len, vars(scratch).values())) == 1 << 20
