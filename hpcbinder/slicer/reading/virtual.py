"""A virtual data set: each part is read from its source, as that is read when it is asked for."""

from __future__ import annotations

import time
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from typing import Any, Callable

import h5py
import numpy as np

from ..errors import Refusal
from ..files.links import Links
from ..files.opened import OpenFile, Stamp
from ..work import Work
from .mappings import Irregular, Mapping, Met, mappings
from .reader import Reader, Source, Stamps
from .selection import Selection

Array = np.ndarray[Any, Any]
ReaderOf = Callable[[OpenFile, h5py.Dataset], Reader]

KEPT_SECONDS = 1.0
"""How long values are kept whose sources only HDF5 knows."""
LOOKING_SECONDS = 30.0
"""For what leads to a source, which is looked for between requests too."""


class Virtual:
    """What no source has is the fill value; where sources overlap, the last one counts."""

    def __init__(
        self,
        file: OpenFile,
        dataset: h5py.Dataset,
        links: Links,
        reader_of: ReaderOf,
        otherwise: Source,
    ) -> None:
        self._file = file
        self._native = dataset.dtype.newbyteorder("=")
        self._fill = dataset.fillvalue
        self._links = links
        self._reader_of = reader_of
        self._otherwise = otherwise
        self._until = time.monotonic() + KEPT_SECONDS
        self._regular = True
        self.verified = True
        self._mappings: list[Mapping] = []
        try:
            self._mappings = mappings(dataset)
        except Irregular:
            self._regular = False
        rank = len(dataset.shape)
        targets = [mapping.target for mapping in self._mappings]
        first = np.array([[steps.start for steps in target] for target in targets])
        last = np.array([[steps.last for steps in target] for target in targets])
        self._first, self._last = first.reshape(-1, rank), last.reshape(-1, rank)

    def fill(self, out: Array, selection: Selection, work: Work, among: int) -> None:
        """`out` has all of the selection's axes."""
        if self._regular:
            try:
                self._from_sources(out, selection, work, among)
                return
            except Irregular:
                self._regular = False
        self._otherwise.fill(out, selection, work, among)

    def ahead(self, selection: Selection, axis: int, direction: int, among: int) -> None:
        """Sources that go on along this axis prepare what comes next."""
        if self._regular:
            try:
                self._ahead_in_sources(selection, axis, direction, among)
                return
            except Irregular:
                self._regular = False
        self._otherwise.ahead(selection, axis, direction, among)

    def stamps(self, selection: Selection) -> Stamps:
        """Those of all files that the selection touches."""
        if self._regular:
            try:
                return self._stamps_of_sources(selection)
            except Irregular:
                self._regular = False
        # Nobody says which files these are: no two answers are known to be the same.
        return (("sources", Stamp(0, 0, 0, time.time_ns())),)

    def current(self) -> bool:
        """Sources are looked at whenever they are read, but for those that HDF5 reads itself."""
        return self._regular or time.monotonic() < self._until

    def _from_sources(self, out: Array, selection: Selection, work: Work, among: int) -> None:
        out[...] = self._fill
        self.verified = True
        shares = list(self._shares(selection))
        for mapping, met in shares:
            work.check()
            with self._source(mapping, work) as reader:
                if reader is None:
                    continue
                self.verified = self.verified and reader.verified
                part = out[tuple(axis.target for axis in met)]
                key = mapping.key(met, reader.shape)
                found = reader.read(key, work, among * len(shares))
                part[...] = found.reshape(part.shape)
                work.release(found.nbytes)

    def _ahead_in_sources(
        self, selection: Selection, axis: int, direction: int, among: int
    ) -> None:
        work = Work(0, LOOKING_SECONDS)
        shares = list(self._shares(selection))
        for mapping, met in shares:
            with self._source(mapping, work) as reader:
                axes = () if reader is None else mapping.axes(reader.shape)
                if reader is not None and axis in axes:
                    key = mapping.key(met, reader.shape)
                    reader.ahead(key, axes.index(axis), direction, among * len(shares))

    def _stamps_of_sources(self, selection: Selection) -> Stamps:
        work = Work(0, LOOKING_SECONDS)
        found: dict[Hashable, None] = {}
        for mapping, met in self._shares(selection):
            with self._source(mapping, work) as reader:
                stamps: Stamps = ((mapping.file, None),)
                if reader is not None:
                    stamps = reader.stamps(mapping.key(met, reader.shape))
                found.update(dict.fromkeys(stamps))
        return tuple(found)

    def _shares(self, selection: Selection) -> Iterator[tuple[Mapping, tuple[Met, ...]]]:
        last = [part.stop - 1 for part in selection.slices]
        near = (self._first <= last) & (self._last >= list(selection.starts))
        for at in np.flatnonzero(near.all(axis=1)):
            mapping = self._mappings[at]
            try:
                met = mapping.met(selection)
            except LookupError:
                continue
            yield mapping, met

    @contextmanager
    def _source(self, mapping: Mapping, work: Work) -> Iterator[Reader | None]:
        """None if it is not there."""
        with self._holder(mapping) as file:
            yield None if file is None else self._found(file, mapping, work)

    @contextmanager
    def _holder(self, mapping: Mapping) -> Iterator[OpenFile | None]:
        if mapping.file == ".":
            yield self._file
            return
        try:
            path = self._links.allowed(self._file.path, mapping.file)
            file = self._links.open(path)
        except Refusal as refusal:
            if refusal.status != 404:
                raise
            yield None
            return
        assert isinstance(file, OpenFile)
        with file.using():
            yield file

    def _found(self, file: OpenFile, mapping: Mapping, work: Work) -> Reader | None:
        try:
            place = self._links.find(file, mapping.path, work)
        except Refusal as refusal:
            if refusal.status != 404:
                raise
            return None
        assert isinstance(place.file, OpenFile)
        reader = self._reader_of(place.file, place.dataset())
        if reader.native != self._native:
            raise Irregular
        return reader
