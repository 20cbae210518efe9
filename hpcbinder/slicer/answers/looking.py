"""The files of this process, and the way to what a request names."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager

import h5py

from ..errors import Refusal
from ..files.kinds import refuse_others
from ..files.links import Links, Place
from ..files.opened import Files, OpenFile
from ..process.settings import Settings
from ..reading.reader import Reader
from ..reading.readers import Readers
from ..roots import Roots
from ..work import Work

REMEMBERED = 256
RESOLVED_SECONDS = 1.0


class Looking:
    """One for all requests."""

    def __init__(self, settings: Settings) -> None:
        self.roots = Roots(settings.roots)
        self.files = Files()
        self._links = Links(self.roots, self.files.open)
        self.readers = Readers(settings.cache_bytes, settings.decoders, self._links)
        self._ways: dict[tuple[str, str], tuple[h5py.File, Place]] = {}
        self._resolved: dict[str, tuple[float, str]] = {}

    @contextmanager
    def at(self, arguments: Mapping[str, str], work: Work) -> Iterator[Place]:
        """What `file` and `path` lead to; no file on the way is closed meanwhile."""
        real = self.roots.resolve(arguments["file"])
        with ExitStack() as using:

            def opened(path: str) -> OpenFile:
                return using.enter_context(self._open(path).using())

            links = Links(self.roots, opened)
            yield links.find(opened(real), arguments.get("path", "/"), work)

    @contextmanager
    def reading(self, arguments: Mapping[str, str], work: Work) -> Iterator[tuple[Place, Reader]]:
        """The same, for the values of a data set.

        While a slider is dragged, the way is the same a hundred times: it is gone once, for as
        long as the file is open and unchanged.
        """
        asked = self._real(arguments["file"]), arguments.get("path", "/")
        with self._open(asked[0]).using() as file:
            h5, place = self._ways.get(asked, (None, None))
            if place is not None and h5 is file.h5:
                yield place, self.reader(place)
                return
        with self.at(arguments, work) as found:
            self._remember(asked, found)
            yield found, self.reader(found)

    def reader(self, place: Place) -> Reader:
        """Of a place's data set, if no value of it lies in a file outside of the roots."""
        dataset = place.dataset()
        assert isinstance(place.file, OpenFile)
        return self.readers.of(place.file, dataset)

    def _real(self, asked: str) -> str:
        """Where a path leads, looked at once a second."""
        now = time.monotonic()
        until, real = self._resolved.get(asked, (0.0, ""))
        if now > until:
            real = self.roots.resolve(asked)
            if len(self._resolved) >= REMEMBERED:
                self._resolved.clear()
            self._resolved[asked] = now + RESOLVED_SECONDS, real
        return real

    def _remember(self, asked: tuple[str, str], found: Place) -> None:
        # Where another file holds it, that one may change or close by itself.
        if isinstance(found.file, OpenFile) and found.file.path == asked[0]:
            if len(self._ways) >= REMEMBERED:
                self._ways.clear()
            place = Place(self._links, found.file, found.path, found.object)
            self._ways[asked] = found.file.h5, place

    def _open(self, path: str) -> OpenFile:
        try:
            return self.files.open(path)
        except Refusal:
            # A file of another kind is told by its name, and how to open it.
            refuse_others(path)
            raise
