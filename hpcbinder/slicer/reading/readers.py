"""Readers of all data sets that are looked at; they share a cache and the threads that decode."""

from __future__ import annotations

import itertools
import os

import h5py

from ..errors import Refusal
from ..files.links import Links, Place
from ..files.opened import OpenFile
from ..work import Work
from .blocks import Asked, Chunked, Contiguous
from .external import RawFiles
from .memory import give_back
from .pieces import Pieces
from .reader import Reader, Source
from .sources import ThroughCache
from .stored import as_it_is, blocks, layout
from .through import Through
from .virtual import LOOKING_SECONDS, Virtual


class Readers:
    """One for each data set of a file, as long as the file does not change."""

    def __init__(
        self, cache_bytes: int, threads: int | None = None, links: Links | None = None
    ) -> None:
        """`links` leads to other files that values lie in; without it there are none."""
        give_back()
        # An eighth is for what is being read and decoded.
        self.pieces = Pieces(cache_bytes - cache_bytes // 8, threads or os.cpu_count() or 1)
        self._links = links
        self._tokens = itertools.count()

    def of(self, file: OpenFile, dataset: h5py.Dataset) -> Reader:
        """Within `file.using()`."""
        name = dataset.name
        reader = file.readers.get(name)
        if reader is None or not reader.current():
            reader = file.readers[name] = self._made(file, dataset)
        return reader

    def close(self) -> None:
        """Nothing is decoded any more."""
        self.pieces.close()

    def _made(self, file: OpenFile, dataset: h5py.Dataset) -> Reader:
        if dataset.shape is None:
            raise Refusal(422, f"{dataset.name} has no values.", "It was made empty.", "empty")
        source, checksummed = self._source(file, dataset)
        return Reader(
            source,
            dataset.shape,
            dataset.dtype,
            dataset.chunks,
            layout(dataset),
            (dataset.name, file.stamp),
            file.swmr or checksummed or not file.live,
        )

    def _source(self, file: OpenFile, dataset: h5py.Dataset) -> tuple[Source, bool]:
        kind = layout(dataset)
        if kind in ("virtual", "external"):
            return self._elsewhere(kind, file, dataset), False
        if dataset.dtype.hasobject:
            return Through(dataset), False
        made = blocks(dataset, file.fd)
        checksummed = isinstance(made, Chunked) and made.checksummed
        return ThroughCache(made, self.pieces, next(self._tokens)), checksummed

    def _elsewhere(self, kind: str, file: OpenFile, dataset: h5py.Dataset) -> Source:
        """HDF5 would open whatever file is named: so all of them are looked at before."""
        links = self._links
        if links is None:
            raise Refusal(403, "Values of this data set lie in other files.", "", "outside")
        links.storage(Place(links, file, dataset.name, dataset), Work(0, LOOKING_SECONDS))
        token = next(self._tokens)
        if kind == "external" and as_it_is(dataset):
            raw = RawFiles(dataset, links)
            made = Contiguous(dataset.shape, dataset.dtype, raw.extents)
            return ThroughCache(made, self.pieces, token, raw)
        if dataset.dtype.hasobject:
            return Through(dataset)
        asked = ThroughCache(Asked(dataset), self.pieces, token)
        if kind == "external":
            return asked
        return Virtual(file, dataset, links, self.of, asked)
