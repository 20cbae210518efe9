"""Names that hold a text, anywhere below a group."""

from __future__ import annotations

import time
from collections import deque
from typing import Any

import h5py

from ..errors import Refusal
from ..files import names
from ..files.damage import in_words
from ..files.links import Place
from ..work import Work
from .nodes import item, link_names

MOST_FOUND = 200
MOST_SEEN = 200_000
DEEPEST = 64
# People wait for this while they type; what was found by then is shown.
SECONDS = 3.0
# Names are fetched under HDF5's lock, which others wait for.
AT_ONCE = 2000


def search(place: Place, text: str, work: Work) -> dict[str, Any]:
    """The nearest first; links are found by their names, and not followed."""
    hunt = _Hunt(place, text, work)
    hunt.run()
    return {
        "path": place.path,
        "text": text,
        "found": hunt.found,
        "complete": hunt.complete,
        "seen": hunt.seen,
    }


class _Hunt:
    """Level by level; a group that is reached twice is looked through once."""

    def __init__(self, place: Place, text: str, work: Work) -> None:
        self._start = place
        self._text = text.casefold()
        self._work = work
        self._ahead: deque[list[bytes]] = deque([[]])
        self._groups: set[tuple[int, int]] = set()
        self._end = time.monotonic() + SECONDS
        self.found: list[dict[str, Any]] = []
        self.seen = 0
        self.complete = True

    def run(self) -> None:
        while self._ahead and not self._enough():
            self._work.check()
            parts = self._ahead.popleft()
            try:
                self._look_into(parts)
            except Refusal as refusal:
                # What is damaged has no names; a request that is over is over.
                if refusal.status == 504 or not parts:
                    raise

    def _look_into(self, parts: list[bytes]) -> None:
        place = self._start.below(parts, self._work)
        group = place.group()
        with in_words(place.path):
            known = h5py.h5o.get_info(group.id)
            total = group.id.get_num_objs()
        if (known.fileno, known.addr) in self._groups:
            return
        self._groups.add((known.fileno, known.addr))
        for offset in range(0, total, AT_ONCE):
            with in_words(place.path):
                found = link_names(group, offset, AT_ONCE, total)
            for name in found:
                self._see(place, parts, name)
                if self._enough():
                    return

    def _see(self, place: Place, parts: list[bytes], name: bytes) -> None:
        self._work.check()
        self.seen += 1
        if self._text in names.written(name).casefold():
            self.found.append(item(place, name, self._work))
        if _is_group(place, name):
            if len(parts) < DEEPEST:
                self._ahead.append([*parts, name])
            else:
                self.complete = False

    def _enough(self) -> bool:
        enough = (
            len(self.found) >= MOST_FOUND or self.seen >= MOST_SEEN or time.monotonic() > self._end
        )
        if enough:
            self.complete = False
        return enough


def _is_group(place: Place, name: bytes) -> bool:
    """Whether there are more names below; what lies behind other links than hard ones is not."""
    try:
        with in_words(place.path):
            if place.group().id.links.get_info(name).type != h5py.h5l.TYPE_HARD:
                return False
            return isinstance(h5py.h5o.open(place.object.id, name), h5py.h5g.GroupID)
    except Refusal:
        return False
