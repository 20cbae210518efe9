"""The picture that is on the screen, as PNG with a palette: its colours are the codes' own."""

from __future__ import annotations

import json
import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from isal import isal_zlib

from ..errors import wrong
from ..planes import render, wire
from ..planes.packing import filtered
from ..planes.request import PlaneRequest
from ..planes.selection import Selection
from ..planes.source import Array, Source
from ..work import Work
from .exported import not_empty

SIGNATURE = b"\x89PNG\r\n\x1a\n"
UP = 2
"""PNG's number of the filter that planes have on the wire."""
LEVEL = 2
STOPS = re.compile(r"[0-9a-fA-F]{6}(-[0-9a-fA-F]{6}){1,255}")


def png(
    reader: Source, request: PlaneRequest, selection: Selection, work: Work, colours: str
) -> Iterator[bytes]:
    """`colours` goes from the low end of the domain to the high one: `000000-ff0000-ffffff`."""
    not_empty(selection, "picture")
    palette = table(colours or "000000-ffffff")
    # As a browser gets it with 8 bits, but never with less than that.
    plane = render(reader, _as_shown(request), work)
    codes = wire.array(plane)
    rows, columns = codes.shape
    header = struct.pack(">IIBBBBB", columns, rows, 8, 3, 0, 0, 0)
    about = {name: plane.header.get(name) for name in ("scale", "domain", "threshold", "part")}
    return iter(
        (
            SIGNATURE + _chunk(b"IHDR", header),
            # International text: its keyword, not compressed, no language, no translation.
            _chunk(b"iTXt", b"Description\0\0\0\0\0" + json.dumps(about).encode()),
            _chunk(b"PLTE", palette.tobytes()),
            # Code 0 is nothing, so it can be looked through; the others are opaque without a word.
            _chunk(b"tRNS", b"\0"),
            _chunk(b"IDAT", isal_zlib.compress(_lines(codes), LEVEL)),
            _chunk(b"IEND", b""),
        )
    )


def table(colours: str) -> Array:
    """256 colours: none, then those between the stops."""
    if not STOPS.fullmatch(colours):
        raise wrong("colours", "They are 2 to 256 colours such as 440154-21918c-fde725.")
    stops = np.array([list(bytes.fromhex(stop)) for stop in colours.split("-")], float)
    places = np.linspace(0, len(stops) - 1, 255)
    between = [np.interp(places, np.arange(len(stops)), channel) for channel in stops.T]
    colour_table = np.zeros((256, 3), np.uint8)
    colour_table[1:] = np.rint(np.stack(between, axis=-1))
    return colour_table


def _as_shown(request: PlaneRequest) -> PlaneRequest:
    return replace(request, bits=8, limit=0)


def _lines(codes: Array) -> Array:
    """Each row begins with the number of its filter."""
    rows, columns = codes.shape
    lines = np.empty((rows, columns + 1), np.uint8)
    lines[:, 0] = UP
    lines[:, 1:] = filtered(codes)[0]
    return lines


def _chunk(kind: bytes, data: bytes) -> bytes:
    check = zlib.crc32(data, zlib.crc32(kind))
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)
