"""Planes, and what is said of them: statistics and profiles."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from math import isfinite
from typing import Any

from ..errors import wrong
from ..planes import (
    MEDIA_TYPE,
    Plane,
    PlaneRequest,
    etag,
    parse,
    parse_points,
    plan,
    profile,
    statistics,
)
from ..planes.ahead import Ahead, Reading
from ..planes.wire import array
from ..process.answer import Answer, told
from ..process.table import Arguments, Operation
from ..reading.reader import Reader
from ..work import Work
from .conditions import quoted, unchanged
from .looking import Looking


def operations(looking: Looking) -> dict[str, Operation]:
    """`plane`, `statistics` and `profile`."""
    ahead = Ahead()

    def plane(arguments: Arguments, work: Work) -> Answer:
        with looking.reading(arguments, work) as (_, reader):
            request = parse(arguments, reader.shape)
            # Before it is read: what is read for this one is cut as the next ones need it.
            hinted = hint(arguments, reader, request)
            known = unchanged(arguments, lambda: etag(reader, request))
            if known is None:
                rendered = ahead.plane(reader, request, work)
                headers = {"ETag": quoted(rendered.header["etag"])}
                known = Answer(rendered.message(), MEDIA_TYPE, headers=headers)
            if hinted is not None:
                again = reading_again(looking, arguments)
                ahead.follow(reader, request, *hinted, again, work.budget)
            return known

    def of_values(arguments: Arguments, work: Work) -> Answer:
        with looking.reading(arguments, work) as (_, reader):
            request = parse(arguments, reader.shape)
            whole = arguments.get("of") == "dataset"
            key = None if whole else plan(request, reader.shape).key
            found = statistics(reader, key, work, request.part, request.missing)
            return told(found.as_dict(), ETag=quoted(found.etag))

    def line(arguments: Arguments, work: Work) -> Answer:
        with looking.reading(arguments, work) as (_, reader):
            request = parse(arguments, reader.shape)
            points = parse_points(arguments["points"])
            return told(as_json(profile(reader, request, points, work)))

    return {"plane": plane, "statistics": of_values, "profile": line}


def as_json(line: Plane) -> dict[str, Any]:
    """A line has few values: a page takes them as they are."""
    flat = array(line).reshape(-1)
    # JSON has no word for those.
    values = [value if isfinite(value) else NAMES[str(value)] for value in flat.tolist()]
    about = {name: line.header[name] for name in ("points", "length", "etag", "verified")}
    return {"values": values, **about}


NAMES = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}


def reading_again(looking: Looking, arguments: Arguments) -> Reading:
    """The same data set, when it is no longer open for the request."""

    @contextmanager
    def reading(work: Work) -> Iterator[Reader]:
        with looking.reading(arguments, work) as (_, reader):
            yield reader

    return reading


def hint(arguments: Arguments, reader: Reader, request: PlaneRequest) -> tuple[int, int] | None:
    """Where the hand is going: what comes next there is read ahead."""
    words = arguments.get("hint", "")
    if not words:
        return None
    try:
        axis, direction = (int(word) for word in words.split(","))
    except ValueError:
        axis = direction = 0
    if direction not in (1, -1):
        raise wrong("hint", "It is an axis and 1 or -1: 0,1.")
    if not 0 <= axis < len(reader.shape) or axis in (request.rows, request.columns):
        return None
    reader.ahead(plan(request, reader.shape).key, axis, direction)
    return axis, direction
