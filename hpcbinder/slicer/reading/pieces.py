"""Decoded pieces of data sets: a cache with a budget, and one decode however many ask."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Any

import numpy as np

from ..work import Work
from .turns import Turns

Array = np.ndarray[Any, Any]
Load = Callable[[], Array]
Deliver = Callable[[Array], None]
LOOK = 0.05
"""Seconds between two looks at whether the one who waits is still wanted."""


class _Waiting:
    """A request that waits for pieces; each is copied into its place as soon as it is there."""

    def __init__(self) -> None:
        self._left = 0
        self._lock = threading.Lock()
        self._done = threading.Event()
        self._error: BaseException | None = None
        self.given_up = False

    def begin(self, count: int) -> None:
        self._left = count
        if not count:
            self._done.set()

    def arrived(self, deliver: Deliver, piece: Array) -> None:
        if not self.given_up:
            try:
                deliver(piece)
            except Exception as error:
                self.failed(error)
        with self._lock:
            self._left -= 1
            last = not self._left
        if last:
            self._done.set()

    def failed(self, error: BaseException) -> None:
        self.given_up = True
        self._error = error
        self._done.set()

    def wait(self, work: Work) -> None:
        try:
            while not self._done.wait(LOOK):
                work.check()
        finally:
            self.given_up = True
        if self._error is not None:
            raise self._error


class _Flight:
    """A piece that is being made, or will be."""

    def __init__(self, load: Load) -> None:
        self.load = load
        self.begun = False
        self.waiting: list[tuple[_Waiting, Deliver]] = []
        self.expecting: set[Hashable] = set()

    def wanted(self) -> bool:
        return bool(self.expecting) or any(not waiting.given_up for waiting, _ in self.waiting)


class Pieces:
    """What was used longest ago goes first when the budget is spent."""

    def __init__(self, budget: int, threads: int) -> None:
        self.budget = budget
        self._turns = Turns(threads)
        self._lock = threading.Lock()
        self._kept: OrderedDict[Hashable, Array] = OrderedDict()
        self._flights: dict[Hashable, _Flight] = {}
        self._expected: dict[Hashable, list[Hashable]] = {}
        self._held = 0

    @property
    def held(self) -> int:
        """Bytes that are kept."""
        return self._held

    def first(self) -> AbstractContextManager[None]:
        """Somebody waits for what is done within: no piece is made ahead meanwhile."""
        return self._turns.first()

    @property
    def busy(self) -> bool:
        """Whether something is being made, or will be."""
        return bool(self._flights)

    def has(self, key: Hashable) -> bool:
        """Whether a piece is there already."""
        return key in self._kept

    def collect(self, wanted: Sequence[tuple[Hashable, Load, Deliver]], work: Work) -> None:
        """Have every piece delivered, from any thread; returns when all are."""
        waiting = _Waiting()
        ready: list[tuple[Deliver, Array]] = []
        jobs: list[Hashable] = []
        with self._lock:
            for key, load, deliver in wanted:
                piece = self._kept.get(key)
                if piece is not None:
                    self._kept.move_to_end(key)
                    ready.append((deliver, piece))
                    continue
                flight = self._flights.setdefault(key, _Flight(load))
                flight.waiting.append((waiting, deliver))
                if not flight.begun:
                    jobs.append(key)
            waiting.begin(len(wanted))
        # To hand a single one over to another thread would only cost time.
        for key in jobs if len(jobs) > 1 else ():
            self._turns.soon(self._job(key))
        try:
            for key in jobs if len(jobs) == 1 else ():
                self._make(key)
            for deliver, piece in ready:
                work.check()
                waiting.arrived(deliver, piece)
        except BaseException:
            waiting.given_up = True
            raise
        waiting.wait(work)

    def expect(self, who: Hashable, wanted: Iterable[tuple[Hashable, Load]]) -> None:
        """These will likely be asked for next; what `who` expected before no longer is."""
        jobs: list[Hashable] = []
        with self._lock:
            for key in self._expected.pop(who, ()):
                if key in self._flights:
                    self._flights[key].expecting.discard(who)
            keys: list[Hashable] = []
            for key, load in wanted:
                if key in self._kept:
                    self._kept.move_to_end(key)
                    continue
                if key not in self._flights:
                    self._flights[key] = _Flight(load)
                    jobs.append(key)
                self._flights[key].expecting.add(who)
                keys.append(key)
            if keys:
                self._expected[who] = keys
        for key in jobs:
            self._turns.later(self._job(key))

    def close(self) -> None:
        """Nothing is decoded any more."""
        self._turns.close()

    def _job(self, key: Hashable) -> Callable[[], None]:
        return lambda: self._make(key)

    def _make(self, key: Hashable) -> None:
        with self._lock:
            flight = self._flights.get(key)
            if flight is None or flight.begun:
                return
            if not flight.wanted():
                del self._flights[key]
                return
            flight.begun = True
        try:
            piece = flight.load()
        except Exception as error:
            with self._lock:
                del self._flights[key]
            for waiting, _ in flight.waiting:
                waiting.failed(error)
            return
        with self._lock:
            del self._flights[key]
            self._keep(key, piece)
        for waiting, deliver in flight.waiting:
            waiting.arrived(deliver, piece)

    def _keep(self, key: Hashable, piece: Array) -> None:
        if piece.nbytes > self.budget:
            return
        self._kept[key] = piece
        self._held += piece.nbytes
        while self._held > self.budget:
            _, oldest = self._kept.popitem(last=False)
            self._held -= oldest.nbytes
