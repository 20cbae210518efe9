"""`application/vnd.hpcbinder.plane`: `HPS1`, the header's length, the header, the payload."""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from typing import Any

import numpy as np

from .packing import Packed, unpack
from .scale import Scale, inverse
from .source import Array

MEDIA_TYPE = "application/vnd.hpcbinder.plane"
MAGIC = b"HPS1"
LENGTH = struct.Struct("<I")
JSON_LENGTH_MULTIPLE = 8
"""The payload begins at a multiple of it, so that a browser can look at it without copying."""


@dataclass(frozen=True)
class Plane:
    """A header as the wire has it, and the payload."""

    header: dict[str, Any]
    body: bytes

    def message(self) -> bytes:
        """All of it as bytes."""
        text = json.dumps(self.header, separators=(",", ":"), allow_nan=False).encode()
        before = len(MAGIC) + LENGTH.size
        text += b" " * (-(before + len(text)) % JSON_LENGTH_MULTIPLE)
        return b"".join((MAGIC, LENGTH.pack(len(text)), text, self.body))


def read(message: bytes) -> Plane:
    """The header and the payload of a message."""
    before = len(MAGIC) + LENGTH.size
    if message[: len(MAGIC)] != MAGIC or len(message) < before:
        raise ValueError("not a plane")
    (length,) = LENGTH.unpack_from(message, len(MAGIC))
    header = json.loads(message[before : before + length])
    return Plane(header, message[before + length :])


def array(plane: Plane) -> Array:
    """Its codes or exact values, as rows and columns."""
    header = plane.header
    rows, columns = header["shape"]
    kind = np.dtype(header["type"]).newbyteorder("<")
    return unpack(Packed(header["filter"], header["codec"], plane.body), kind, rows, columns)


def values(plane: Plane) -> Array:
    """What its codes stand for, NaN where nothing is; exact values as they are."""
    header, codes = plane.header, array(plane)
    if not header["codes"]:
        return codes
    low, high = header["domain"]
    scale = Scale(header["scale"], low, high, header.get("threshold"))
    top = 255 if header["type"] == "u1" else 65535
    found = inverse(scale, (codes.astype(np.float64) - 1) / (top - 1))
    return np.where(codes == 0, np.nan, found)
