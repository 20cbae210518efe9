"""Other files that a data set's values lie in: virtual sources and external storage.

HDF5 opens them by itself as soon as a value is asked for, so all of them are looked at before.
"""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import h5py

from ..errors import Refusal
from ..work import Work
from .damage import in_words, printable

if TYPE_CHECKING:
    from .links import Opened, Place

# Sources of sources; and sources of one data set.
DEEPEST = 8
MOST_SOURCES = 200_000


class Storage:
    """Looks through all that one data set is made of, and remembers what it has seen."""

    def __init__(self, work: Work) -> None:
        self._work = work
        # Ways from a file to a source: those that are walked now, and those that were.
        self._under_way: set[tuple[str, str, str]] = set()
        self._seen: set[tuple[str, str, str]] = set()

    def opened(self, place: Place) -> None:
        """HDF5 opens the sources for the mere shape of a data set that grows with them."""
        assert isinstance(place.object, h5py.Dataset)
        with in_words(printable(place.path)):
            plist = place.object.id.get_create_plist()
            if plist.get_layout() != h5py.h5d.VIRTUAL or plist.get_virtual_count() == 0:
                return
            most = plist.get_virtual_vspace(0).get_simple_extent_dims(True)
        if h5py.h5s.UNLIMITED in most:
            self.check(place)

    def check(self, place: Place) -> None:
        """`Refusal` if a value lies in a file outside of the roots, or a source goes in circles."""
        dataset = place.object
        if not isinstance(dataset, h5py.Dataset):
            return
        self._work.check()
        with in_words(printable(place.path)):
            plist = dataset.id.get_create_plist()
            external = [plist.get_external(at)[0] for at in range(plist.get_external_count())]
            virtual = plist.get_layout() == h5py.h5d.VIRTUAL
        for name in external:
            self._external(place, os.fsdecode(name))
        if virtual:
            self._virtual(place, plist)

    def _external(self, place: Place, name: str) -> None:
        # HDF5 looks for these from the process's own folder on, and not from the file's.
        place.links.allowed(os.path.join(os.getcwd(), "file"), name)

    def _virtual(self, place: Place, plist: h5py.h5p.PropDCID) -> None:
        count = plist.get_virtual_count()
        if count > MOST_SOURCES:
            raise Refusal(
                413,
                f"{printable(place.path)} has {count:,} sources.",
                "Read it with h5py.",
                "sources",
            )
        holder = place.file.h5.filename
        for at in range(count):
            with in_words(printable(place.path)):
                file, path = plist.get_virtual_filename(at), plist.get_virtual_dsetname(at)
            way = (holder, file, path)
            if way in self._under_way or len(self._under_way) >= DEEPEST:
                raise _endless(place)
            if way not in self._seen:
                self._under_way.add(way)
                try:
                    self._source(place, file, path)
                finally:
                    self._under_way.remove(way)
                self._seen.add(way)

    def _source(self, place: Place, file: str, path: str) -> None:
        """Names with %b stand for as many as there are, as HDF5 counts them: from 0 on."""
        numbers: Iterator[int] = itertools.count() if _counts(file, path) else iter((0,))
        for number in numbers:
            self._work.check()
            try:
                opened = self._opened(place, _filled(file, number))
                source = place.links.find(opened, _filled(path, number), self._work, self)
            except Refusal as refusal:
                # What is not there is shown as the fill value.
                if refusal.status == 404:
                    return
                raise
            self.check(source)

    def _opened(self, place: Place, file: str) -> Opened:
        if file == ".":
            return place.file
        return place.links.open(place.links.allowed(place.file.h5.filename, file))


def _endless(place: Place) -> Refusal:
    """HDF5 would go round until it crashes."""
    return Refusal(
        422,
        f"{printable(place.path)} is made of data sets that are made of others, without an end.",
        "",
        "loop",
    )


def _counts(*names: str) -> bool:
    return any("%b" in name.replace("%%", "") for name in names)


def _filled(name: str, number: int) -> str:
    return re.sub("%(.)", lambda found: str(number) if found[1] == "b" else found[1], name)
