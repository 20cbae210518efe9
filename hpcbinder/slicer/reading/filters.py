"""HDF5's filters undone without HDF5, and so without its lock: each by its number."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Union

import numpy as np
from isal import igzip_lib, isal_zlib

Bytes = Union[bytes, memoryview]
Undo = Callable[[Bytes, Sequence[int], int], Bytes]
"""What a filter made, the filter's parameters, and how many bytes may come out at most."""


class Undecodable(Exception):
    """Not what the filter makes; HDF5 itself is asked then, and has the last word."""


DEFLATE, SHUFFLE, FLETCHER32 = 1, 2, 3
CHECKSUM = 4


def inflate(made: Bytes, parameters: Sequence[int], most: int) -> Bytes:
    """A zlib stream, and its checksum."""
    stream = isal_zlib.decompressobj()
    try:
        found: bytes = stream.decompress(made, max_length=most)
        # What is left is the checksum alone, if anything.
        more = b"" if stream.eof else stream.decompress(stream.unconsumed_tail, max_length=1)
    except igzip_lib.IsalError as error:  # type: ignore[misc]  # its stub has a value
        raise Undecodable(str(error)) from error
    if more:
        raise bomb()
    if not stream.eof:
        raise Undecodable("The stream is cut off.")
    return found


def begun(made: Bytes, nbytes: int) -> bytes:
    """The beginning of a zlib stream. Its checksum is not looked at: that is of all of it."""
    try:
        found: bytes = isal_zlib.decompressobj().decompress(made, max_length=nbytes)
    except igzip_lib.IsalError as error:  # type: ignore[misc]  # its stub has a value
        raise Undecodable(str(error)) from error
    if len(found) < nbytes:
        raise Undecodable("The stream is cut off.")
    return found


def bomb() -> OSError:
    """HDF5 would unpack all of it, into however much memory that takes."""
    return OSError("a chunk unpacks to more than it holds")


def unshuffle(made: Bytes, parameters: Sequence[int], most: int) -> Bytes:
    """The first bytes of all values come first, then the second ones, and so on."""
    size = parameters[0]
    flat = np.frombuffer(made, np.uint8)
    count = len(flat) // size if size else 0
    if size < 2 or count < 2:
        return made
    planes = flat[: count * size].reshape(size, count)
    found = np.empty(len(flat), np.uint8)
    if size in (2, 4, 8):
        _join(planes, found[: count * size].view(f"<u{size}"))
    else:
        found[: count * size].reshape(count, size)[:] = planes.T
    found[count * size :] = flat[count * size :]
    return found.data


def verify(made: Bytes, parameters: Sequence[int], most: int) -> Bytes:
    """Fletcher's checksum follows the data; an old HDF5 wrote its halves' bytes swapped."""
    if len(made) < CHECKSUM:
        raise Undecodable("There is no room for a checksum.")
    data = memoryview(made)[:-CHECKSUM]
    stored = int.from_bytes(bytes(memoryview(made)[-CHECKSUM:]), "little")
    found = fletcher32(data)
    swapped = (found & 0x00FF00FF) << 8 | (found & 0xFF00FF00) >> 8
    if stored not in (found, swapped):
        raise Undecodable("The checksum is not that of the data.")
    return data


def fletcher32(data: Bytes) -> int:
    """Over 16-bit words, the higher byte first; sums modulo 65535, where 0 is written as 65535."""
    flat = np.frombuffer(data, np.uint8)
    if len(flat) % 2:
        flat = np.append(flat, np.uint8(0))
    words = flat.view(">u2")
    first = second = 0
    for begin in range(0, len(words), _BLOCK):
        block = words[begin : begin + _BLOCK].astype(np.int64)
        total = int(block.sum())
        second += first * len(block) + int(block @ _WEIGHTS[-len(block) :])
        first += total
    return _folded(second) << 16 | _folded(first)


_BLOCK = 1 << 15
_WEIGHTS = np.arange(_BLOCK, 0, -1, dtype=np.int64)


def _folded(total: int) -> int:
    return (total - 1) % 65535 + 1 if total else 0


def _join(planes: np.ndarray[Any, Any], values: np.ndarray[Any, Any]) -> None:
    """Shifts and ors of whole words take a third of the time of moving bytes one by one."""
    values[:] = planes[-1]
    for plane in planes[-2::-1]:
        values <<= 8
        values |= plane
