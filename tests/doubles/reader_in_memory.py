"""A data set of the slicer that is an array: the same methods as a reader of a file."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

import numpy as np

from hpcbinder.slicer.work import Work


class ReaderInMemory:
    """What is read is a view that nobody may write into, as what comes from a cache is."""

    def __init__(self, array: np.ndarray[Any, Any], chunks: tuple[int, ...] | None = None) -> None:
        self.array = array
        self.chunks = chunks
        self.layout = "chunked" if chunks else "contiguous"
        self.verified = True
        self.reads: list[tuple[int | slice, ...]] = []
        self.values_read = 0

    @property
    def shape(self) -> tuple[int, ...]:
        return self.array.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.array.dtype

    def read(self, key: tuple[int | slice, ...], work: Work) -> np.ndarray[Any, Any]:
        work.check()
        self.reads.append(key)
        read = np.asarray(self.array[key])
        work.claim(read.nbytes)
        self.values_read += read.size
        read = read.astype(read.dtype.newbyteorder("="), copy=False).view()
        read.flags.writeable = False
        return read

    def etag(self, key: tuple[int | slice, ...]) -> str:
        return blake2b(self.array[key].tobytes() + repr(key).encode(), digest_size=8).hexdigest()


def work(budget: int = 1 << 30, seconds: float = 60) -> Work:
    """A request's life that is long enough for a test."""
    return Work(budget, seconds)
