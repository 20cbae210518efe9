"""Where a path inside a file leads: hard, soft and external links, never out of the roots.

HDF5 would follow them itself, and open whatever file a link names. So each step is taken here, and
only objects that a hard link holds are opened by HDF5.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol, Union

import h5py
from h5py import h5l

from ..errors import Refusal
from ..roots import Roots, require_a_file
from ..work import Work
from . import names
from .damage import in_words, printable
from .storage import Storage

# HDF5's own limit is 16 in a row; this is for the whole way.
MOST_LINKS = 64
LONGEST_PATH = 1 << 16

Object = Union[h5py.Group, h5py.Dataset, h5py.Datatype]


class Opened(Protocol):
    """What is needed of an open file; `Links` keeps none open that it was not given so."""

    @property
    def h5(self) -> h5py.File: ...


@dataclass(frozen=True)
class Place:
    """An object, the path by which it was asked for, and the file that really holds it."""

    links: Links
    file: Opened
    path: str
    object: Object

    @property
    def name(self) -> str:
        return names.shown(names.last(self.path))

    def group(self) -> h5py.Group:
        """The object as a group, or a `Refusal`."""
        if not isinstance(self.object, h5py.Group):
            raise Refusal(400, f"{self.path} is not a group.", "", "not-a-group")
        return self.object

    def dataset(self) -> h5py.Dataset:
        """The object as a data set, or a `Refusal`."""
        if not isinstance(self.object, h5py.Dataset):
            raise Refusal(400, f"{self.path} is not a data set.", "", "not-a-dataset")
        return self.object

    def child(self, name: bytes, work: Work) -> Place:
        """What a link of this group leads to."""
        return self.below([name], work)

    def below(self, parts: list[bytes], work: Work) -> Place:
        """What several links lead to, one after the other."""
        path = self.path
        for part in parts:
            path = names.below(path, names.written(part))
        return _Walk(self.links, self.file, self.object, work).to(parts, path)


class Links:
    """Finds objects by their paths, within the roots."""

    def __init__(self, roots: Roots, open_file: Callable[[str], Opened]) -> None:
        self.roots = roots
        self.open = open_file

    def find(self, file: Opened, path: str, work: Work, storage: Storage | None = None) -> Place:
        """The object at a path as a request names it, or as what is in `storage` does."""
        if "\0" in path or len(path) > LONGEST_PATH:
            raise Refusal(400, "This is no path inside a file.", "", "path")
        parts = [part for part in path.split("/") if part not in ("", ".")]
        walk = _Walk(self, file, _root(file), work, storage)
        return walk.to(parts, "/" + "/".join(parts))

    def storage(self, place: Place, work: Work) -> None:
        """Before values are read: `Refusal` if some of them lie in a file outside of the roots."""
        Storage(work).check(place)

    def allowed(self, holder: str, name: str) -> str:
        """The real path of a file that the file `holder` names, or a `Refusal`."""
        there, real = False, ""
        outside = False
        for number, candidate in enumerate(_candidates(holder, name)):
            real = os.path.realpath(candidate)
            there = os.path.lexists(real) and not os.path.isdir(real)
            if not self.roots.holds(real):
                # What is meant comes first; the others are where HDF5 looks too.
                outside = outside or there or number == 0
            if there:
                break
        if there and not outside:
            require_a_file(name, real)
            return real
        if outside:
            raise Refusal(
                403,
                f"This leads to the file {printable(name[:300])}, "
                "which lies outside of the folders that may be read.",
                f"What may be read: {self.roots.names()}.",
                "outside",
            )
        raise Refusal(
            404,
            f"This leads to the file {printable(name[:300])}, which is not there.",
            "",
            "missing",
        )


class _Walk:
    """One way through groups and links, step by step."""

    def __init__(
        self,
        links: Links,
        file: Opened,
        start: Object,
        work: Work,
        storage: Storage | None = None,
    ) -> None:
        self._links = links
        self._file = file
        self._here = start
        self._work = work
        self._storage = storage or Storage(work)
        self._followed = 0

    def to(self, parts: list[str] | list[bytes], path: str) -> Place:
        ahead: deque[str | bytes] = deque(parts)
        while ahead:
            self._work.check()
            self._step(ahead, path)
        place = Place(self._links, self._file, path, self._here)
        if isinstance(place.object, h5py.Dataset):
            self._storage.opened(place)
        return place

    def _step(self, ahead: deque[str | bytes], path: str) -> None:
        group = self._here
        part = ahead.popleft()
        if not isinstance(group, h5py.Group):
            raise Refusal(404, f"There is nothing at {printable(path)}.", "", "missing")
        with in_words(printable(path)):
            name, kind = _link(group, part, path)
            if kind == h5l.TYPE_HARD:
                self._here = _object(h5py.h5o.open(group.id, name))
                return
        self._count(path)
        if kind not in (h5l.TYPE_SOFT, h5l.TYPE_EXTERNAL):
            raise Refusal(
                422, f"{path} is a link of a kind that only its own program knows.", "", "link"
            )
        with in_words(printable(path)):
            target: Any = group.id.links.get_val(name)
        if kind == h5l.TYPE_EXTERNAL:
            holder, (other, target) = self._file.h5.filename, target
            self._file = self._links.open(self._links.allowed(holder, os.fsdecode(other)))
        if kind == h5l.TYPE_EXTERNAL or target.startswith(b"/"):
            self._here = _root(self._file)
        ahead.extendleft(reversed(_split(target)))

    def _count(self, path: str) -> None:
        self._followed += 1
        if self._followed > MOST_LINKS:
            raise Refusal(
                422, f"{printable(path)} leads from link to link without an end.", "", "loop"
            )


def _link(group: h5py.Group, part: str | bytes, path: str) -> tuple[bytes, int]:
    """A link's name in the file, and its type."""
    for name in names.spellings(part) if isinstance(part, str) else (part,):
        if group.id.links.exists(name):
            return name, group.id.links.get_info(name).type
    raise Refusal(404, f"There is nothing at {printable(path)}.", "", "missing")


def _root(file: Opened) -> h5py.Group:
    with in_words("The file"):
        return h5py.Group(h5py.h5g.open(file.h5.id, b"/"))


def _object(opened: h5py.h5i.ObjectID) -> Object:
    if isinstance(opened, h5py.h5g.GroupID):
        return h5py.Group(opened)
    if isinstance(opened, h5py.h5d.DatasetID):
        return h5py.Dataset(opened)
    return h5py.Datatype(opened)


def _split(path: bytes) -> list[bytes]:
    return [part for part in path.split(b"/") if part not in (b"", b".")]


def _candidates(holder: str, name: str) -> Iterator[str]:
    """Where HDF5 would look for a file that another one names, in its order."""
    if os.path.isabs(name):
        yield name
        # Files that were moved together still find each other.
        name = os.path.basename(name)
    if name:
        yield os.path.join(os.path.dirname(holder), name)
        yield os.path.abspath(name)
