"""One data set, read exactly."""

from __future__ import annotations

import hashlib
from collections.abc import Hashable
from math import prod
from typing import Any, Protocol

import numpy as np

from ..errors import Refusal
from ..files.opened import Stamp
from ..work import Work
from .selection import Key, Selection

Array = np.ndarray[Any, Any]


Stamps = tuple[Hashable, ...]
"""Files, or data sets of them, as they were: another one where something may be different."""


class Source(Protocol):
    """Where the values come from."""

    verified: bool
    """Whether what was read last lay in files that nobody may be writing."""

    def fill(self, out: Array, selection: Selection, work: Work, among: int) -> None:
        """`out` has all axes of the selection, those of one index too.

        `among`: how many data sets share the cache for this.
        """

    def ahead(self, selection: Selection, axis: int, direction: int, among: int) -> None:
        """Selections further along an axis are likely."""

    def stamps(self, selection: Selection) -> Stamps:
        """Of all files but the data set's own that a selection touches."""

    def current(self) -> bool:
        """Whether other files are as they were when this was made."""


class Reader:
    """As the data set was when its file was last opened or refreshed."""

    def __init__(
        self,
        source: Source,
        shape: tuple[int, ...],
        dtype: np.dtype[Any],
        chunks: tuple[int, ...] | None,
        layout: str,
        stamp: tuple[str, Stamp],
        verified: bool,
    ) -> None:
        self.shape = shape
        self.dtype = dtype
        self.native = dtype.newbyteorder("=")
        self.chunks = chunks
        self.layout = layout
        self._verified = verified
        # What was read while nobody could verify it is read again when somebody can.
        self._stamp = (*stamp, verified)
        self._source = source

    @property
    def verified(self) -> bool:
        """False: a writer without SWMR and without checksums may be at it still."""
        return self._verified and self._source.verified

    def read(self, key: Key, work: Work, among: int = 1) -> Array:
        """Exactly these values, in the machine's byte order; `among` so many data sets at once."""
        work.check()
        selection = Selection.of(key, self.shape)
        work.claim(selection.size * self.native.itemsize)
        out = np.empty(selection.counts, self.native)
        if out.size:
            try:
                self._source.fill(out, selection, work, among)
            except OSError as error:
                raise _unreadable(error) from error
        return out.reshape(selection.shape)

    def ahead(self, key: Key, axis: int, direction: int, among: int = 1) -> None:
        """The next ones along an axis are likely; a newer call replaces this one."""
        selection = Selection.of(key, self.shape)
        if selection.size and direction and prod(self.shape):
            self._source.ahead(selection, axis, 1 if direction > 0 else -1, among)

    def etag(self, key: Key) -> str:
        """Another one as soon as anything of what the key touches may have changed."""
        selection = Selection.of(key, self.shape)
        told = repr((self.stamps(key), self.shape, str(self.dtype), selection))
        return hashlib.sha256(told.encode()).hexdigest()[:32]

    def current(self) -> bool:
        """Whether it may be kept, as long as the data set's own file stays as it is."""
        return self._source.current()

    def stamps(self, key: Key) -> Stamps:
        """Of all files that a key touches."""
        return (self._stamp, *self._source.stamps(Selection.of(key, self.shape)))


def _unreadable(error: OSError) -> Refusal:
    return Refusal(
        422,
        f"This part of the data set cannot be read: {error}.",
        "The file may be incomplete, torn by its writer, or on storage that is away.",
        "unreadable",
    )
