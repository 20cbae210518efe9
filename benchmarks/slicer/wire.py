"""What the slicer sends (`HPS1`), as far as drags need it: codes of eight bits, or exact values."""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

MAGIC = b"HPS1"
HIGHEST_CODE = 255


@dataclass(frozen=True)
class Seen:
    """Every `step`-th row and column of a plane, and how far each value may be from the truth."""

    values: NDArray[Any]
    step: int = 1
    within: float = 0


def opened(body: bytes) -> tuple[dict[str, Any], NDArray[Any]]:
    """The header, and what stands in the plane: codes or values."""
    assert body[:4] == MAGIC, body[:100]
    end = 8 + int.from_bytes(body[4:8], "little")
    header = json.loads(body[8:end])
    payload = zlib.decompress(body[end:]) if header["codec"] == "deflate" else body[end:]
    plane = np.frombuffer(payload, np.dtype(header["type"]).newbyteorder("<"))
    plane = plane.reshape(header["shape"])
    if header["filter"] == "up":
        plane = np.add.accumulate(plane, axis=0, dtype=plane.dtype)
    return header, plane


def seen(body: bytes) -> Seen:
    """What a plane says, whether it holds codes or values; only linear scales are asked for."""
    header, plane = opened(body)
    if not header["codes"]:
        return Seen(plane, header["step"])
    low, high = header["domain"]
    code = (high - low) / (HIGHEST_CODE - 1)
    # With fewer levels, each of them is rounded to one of all codes besides.
    level = (high - low) / (header["levels"] - 1)
    within = (level if level == code else level + code) / 2
    return Seen(low + (plane.astype("f8") - 1) * code, header["step"], within)
