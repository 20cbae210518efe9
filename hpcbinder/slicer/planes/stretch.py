"""A stretch of a line in buckets, and what it costs to read all of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

from .selection import Selection
from .source import Source

MOST_BYTES = 1 << 30
"""Of the file. A line that takes more than this is sampled."""
SAMPLED_BYTES = 1 << 28
"""Of the file, for a sample."""
LEAST_BUCKETS = 64
PIECE_VALUES = 1 << 20
"""So many values are looked at together, and given back."""
PIECE_CHUNKS = 10_000
"""Of a line through very small chunks."""
PAGE = 4096
"""What a disk reads for a single value."""


@dataclass(frozen=True)
class Stretch:
    """Places are counted from its first value; a bucket has `bucket` values, the last one fewer."""

    start: int
    count: int
    bucket: int
    chunk: int
    """Values that come together from the file."""
    cost: int
    """Bytes that such a chunk takes."""

    @classmethod
    def of(cls, reader: Source, selection: Selection, buckets: int) -> Stretch:
        """At most so many buckets; fewer where even one piece of each would be too much."""
        axis = selection.columns
        _, _, start, stop = selection.window
        itemsize = reader.dtype.itemsize
        if reader.chunks:
            chunk, cost = reader.chunks[axis], prod(reader.chunks) * itemsize
        else:
            # Values that lie far apart are read one by one, each with what is around it.
            apart = prod(reader.shape[axis + 1 :]) * itemsize
            chunk, cost = max(1, PAGE // max(1, apart)), PAGE
        count = max(0, stop - start)
        if -(-count // chunk) * cost > MOST_BYTES:
            buckets = min(buckets, max(LEAST_BUCKETS, SAMPLED_BYTES // cost))
        return cls(start, count, max(1, -(-count // buckets)), chunk, cost)

    @property
    def sampled(self) -> bool:
        """Whether only a part of each bucket is read."""
        return -(-self.count // self.chunk) * self.cost > MOST_BYTES

    def pieces(self) -> Iterator[tuple[int, int]]:
        """What to read, one after the other: whole buckets, or a part of one."""
        if self.sampled:
            return self._samples()
        most = max(1, min(PIECE_VALUES, PIECE_CHUNKS * self.chunk))
        return self._whole(most) if self.bucket <= most else self._parts(most)

    def _whole(self, most: int) -> Iterator[tuple[int, int]]:
        length = most // self.bucket * self.bucket
        for first in range(0, self.count, length):
            yield first, min(first + length, self.count)

    def _parts(self, most: int) -> Iterator[tuple[int, int]]:
        for first in range(0, self.count, self.bucket):
            last = min(first + self.bucket, self.count)
            for begin in range(first, last, most):
                yield begin, min(begin + most, last)

    def _samples(self) -> Iterator[tuple[int, int]]:
        """A run of each bucket, of one chunk if the bucket has the beginning of one."""
        share = SAMPLED_BYTES // -(-self.count // self.bucket)
        length = max(1, share // self.cost) * self.chunk
        for first in range(0, self.count, self.bucket):
            last = min(first + self.bucket, self.count)
            begin = -(-(self.start + first) // self.chunk) * self.chunk - self.start
            begin = begin if begin < last else first
            yield begin, min(begin + length, last)
