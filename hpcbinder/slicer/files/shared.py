"""Many may use a thing at once; whoever wants it alone waits until they are done."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Shared:
    """A thread that is a user already is never held up, so that uses may be nested."""

    def __init__(self, patience: float = 2.0) -> None:
        self._patience = patience
        self._users: Counter[int] = Counter()
        self._wanting = 0
        self._alone = False
        self._end: Callable[[], None] | None = None
        self._news = threading.Condition()

    @contextmanager
    def shared(self) -> Iterator[None]:
        """With the others."""
        me = threading.get_ident()
        with self._news:
            self._news.wait_for(lambda: me in self._users or not (self._alone or self._wanting))
            self._users[me] += 1
        try:
            yield
        finally:
            with self._news:
                self._users[me] -= 1
                self._users += Counter()
                last = self._end if not self._users else None
                self._news.notify_all()
            if last is not None:
                last()

    @contextmanager
    def alone(self) -> Iterator[bool]:
        """False if the others were not done in time."""
        with self._news:
            free = threading.get_ident() not in self._users and self._wait()
            self._alone = self._alone or free
        try:
            yield free
        finally:
            if free:
                with self._news:
                    self._alone = False
                    self._news.notify_all()

    def at_last(self, end: Callable[[], None]) -> None:
        """Do this when the last user is done."""
        with self._news:
            if self._users:
                self._end = end
                return
        end()

    def _wait(self) -> bool:
        self._wanting += 1
        try:
            return self._news.wait_for(
                lambda: not self._users and not self._alone, timeout=self._patience
            )
        finally:
            self._wanting -= 1
            self._news.notify_all()
