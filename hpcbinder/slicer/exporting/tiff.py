"""Baseline TIFF of one channel, uncompressed, in strips; numbers of any size, exactly."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..errors import Refusal
from ..planes.part import describe, resolve
from ..planes.request import PlaneRequest
from ..planes.selection import Selection
from ..planes.source import Array, Source
from ..work import Work
from .bands import bands
from .exported import not_empty

LARGEST_FILE = (1 << 32) - 1
STRIP_BYTES = 1 << 16
SAMPLE_FORMATS = {"u": 1, "i": 2, "f": 3}
SHORT, LONG, RATIONAL = 3, 4, 5
ENTRY = struct.Struct("<HHII")


def tiff(
    reader: Source, request: PlaneRequest, selection: Selection, work: Work
) -> Iterator[bytes]:
    """Everything that says where what is comes first, so that nothing has to be held."""
    not_empty(selection, "picture")
    part = resolve(reader.dtype, request.part)
    if part.stored.kind == "f" and part.stored.itemsize > 8:
        raise Refusal(
            400,
            f"TIFF has no numbers of the type {describe(part.stored)}.",
            "Export as NPY.",
            "type",
        )
    dtype = part.of(np.empty(0, reader.dtype)).dtype
    rows, columns = selection.shape
    head = beginning(rows, columns, dtype)
    if len(head) + rows * columns * dtype.itemsize > LARGEST_FILE:
        raise Refusal(
            413, "A TIFF file holds 4 GB at most.", "Export a smaller part, or as NPY.", "size"
        )
    return _pieces(head, bands(reader, selection, part.of, work))


def _pieces(head: bytes, arrays: Iterator[Array]) -> Iterator[bytes]:
    yield head
    for array in arrays:
        yield array.tobytes()


def beginning(rows: int, columns: int, dtype: np.dtype[Any]) -> bytes:
    """The directory of what the file holds, its long entries behind it, then the pixels begin."""
    row_bytes = columns * dtype.itemsize
    strip_rows = min(rows, max(1, STRIP_BYTES // row_bytes))
    strips = -(-rows // strip_rows)
    sizes = [strip_rows * row_bytes] * strips
    sizes[-1] = (rows - (strips - 1) * strip_rows) * row_bytes
    entries: list[tuple[int, int, list[int]]] = [
        (256, LONG, [columns]),
        (257, LONG, [rows]),
        (258, SHORT, [dtype.itemsize * 8]),
        (259, SHORT, [1]),  # not compressed
        (262, SHORT, [1]),  # 0 is black
        (273, LONG, [0] * strips),  # where the strips are, as soon as that is known
        (277, SHORT, [1]),  # one channel
        (278, LONG, [strip_rows]),
        (279, LONG, sizes),
        (282, RATIONAL, [1, 1]),
        (283, RATIONAL, [1, 1]),
        (296, SHORT, [1]),  # no unit of length
        (339, SHORT, [SAMPLE_FORMATS[dtype.kind]]),
    ]
    pixels = len(_written(entries))
    entries[5] = (273, LONG, [pixels + strip * sizes[0] for strip in range(strips)])
    return _written(entries)


def _written(entries: list[tuple[int, int, list[int]]]) -> bytes:
    start = 8 + 2 + ENTRY.size * len(entries) + 4
    directory, behind = bytearray(struct.pack("<H", len(entries))), bytearray()
    for tag, kind, numbers in entries:
        count = 1 if kind == RATIONAL else len(numbers)
        value = numbers[0]
        if len(numbers) > 1:
            # Offsets beyond what a file may have are refused by whoever asked for this.
            value = start + len(behind)
            behind += np.array(numbers, np.uint64).astype("<u4").tobytes()
        directory += ENTRY.pack(tag, kind, count, value)
    return b"".join((b"II*\0", struct.pack("<I", 8), directory, bytes(4), behind))
