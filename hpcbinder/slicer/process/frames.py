"""How the Jupyter server and the reading process talk: frames over a Unix socket pair.

A frame is two little-endian lengths, a JSON object, and bytes as they are:
`uint32 header | uint64 body | header, UTF-8 | body`.

To the reading process go
- `{"id", "do", "arguments", ...}`: a request (see `Request`),
- `{"id", "cancel": true}`: nobody waits for it any more,
- `{"id", "next": true}`: one more part of an answer that comes in parts.

Back come answers, in any order: `{"id", "status", "type", "headers", "more"}` and the body; with
`more`, another part follows when it is asked for, or as it happens where the request said `follow`.
"""

from __future__ import annotations

import json
import struct
from typing import Any

LENGTHS = struct.Struct("<IQ")
MAX_HEADER = 1 << 20


class Broken(Exception):
    """What came is no frame: the two sides do not understand each other, and one has to go."""


def pack(header: dict[str, Any], size: int = 0) -> bytes:
    """The beginning of a frame; `size` bytes of body follow it."""
    text = json.dumps(header, separators=(",", ":")).encode()
    return LENGTHS.pack(len(text), size) + text


class Incoming:
    """Puts frames together from whatever pieces arrive, without copying a body twice.

    `space` is where the next bytes belong; `arrived(n)` says how many came, and returns a frame
    when it is whole.
    """

    def __init__(self, max_body: int) -> None:
        self._max_body = max_body
        self._begin(bytearray(LENGTHS.size))
        self._header: bytearray | None = None
        self._sizes = (0, 0)

    def space(self) -> memoryview:
        """What is still missing of the part that arrives."""
        return self._view[self._filled :]

    def arrived(self, nbytes: int) -> tuple[dict[str, Any], bytearray] | None:
        """Count what came."""
        self._filled += nbytes
        while self._filled == len(self._part):
            if self._step():
                return self._whole()
        return None

    def _begin(self, part: bytearray) -> None:
        self._part = part
        self._view = memoryview(part)
        self._filled = 0

    def _step(self) -> bool:
        """Go on to the next part; True when the frame is whole."""
        if not self._sizes[0]:
            self._sizes = LENGTHS.unpack(self._part)
            if not 0 < self._sizes[0] <= MAX_HEADER or self._sizes[1] > self._max_body:
                raise Broken(f"A frame of {self._sizes[0]} and {self._sizes[1]} bytes.")
            self._begin(bytearray(self._sizes[0]))
            return False
        if self._header is None:
            self._header = self._part
            self._begin(bytearray(self._sizes[1]))
            return not self._sizes[1]
        return True

    def _whole(self) -> tuple[dict[str, Any], bytearray]:
        assert self._header is not None
        header, body = json.loads(self._header), self._part
        self._header, self._sizes = None, (0, 0)
        self._begin(bytearray(LENGTHS.size))
        return header, body
