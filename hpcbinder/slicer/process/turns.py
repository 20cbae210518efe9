"""Which picture of a view is still wanted: the newest one, whatever order requests arrive in."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

VIEWS = 1024
"""Views that are remembered; a page has a handful."""


class Turns:
    """The newest turn of each view, and how to end what was asked for before it."""

    def __init__(self) -> None:
        self._newest: OrderedDict[str, tuple[int, Callable[[], None]]] = OrderedDict()

    def newer(self, view: str, turn: int, end: Callable[[], None]) -> bool:
        """Take a request's turn; False if a newer one of its view was there before it.

        `end` is called when a newer one comes: at once from here, so it must not wait.
        """
        known = self._newest.get(view)
        if known is not None and known[0] > turn:
            return False
        self._newest[view] = (turn, end)
        self._newest.move_to_end(view)
        if known is not None and known[0] < turn:
            known[1]()
        while len(self._newest) > VIEWS:
            self._newest.popitem(last=False)
        return True
