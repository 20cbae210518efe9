"""What is seen along an axis: the envelope of a line, and the course of slices."""

from __future__ import annotations

from ..errors import wrong
from ..files.opened import OpenFile
from ..keys import parse_key
from ..planes import MEDIA_TYPE, course, envelope, parse
from ..planes.course import MOST_INDICES
from ..process.answer import Answer, told
from ..process.table import Arguments, Operation
from ..work import Work
from .conditions import quoted
from .looking import Looking

BUCKETS = 1024


def operations(looking: Looking) -> dict[str, Operation]:
    """`envelope` and `course`."""

    def of_line(arguments: Arguments, work: Work) -> Answer:
        with looking.reading(arguments, work) as (_, reader):
            request = parse({**arguments, "rows": "none"}, reader.shape)
            buckets = int(arguments.get("buckets") or BUCKETS)
            made = envelope(reader, request, buckets, work)
            headers = {"ETag": quoted(made.header["etag"])}
            return Answer(made.message(), MEDIA_TYPE, headers=headers)

    def of_slices(arguments: Arguments, work: Work) -> Answer:
        with looking.reading(arguments, work) as (place, reader):
            axis = int(arguments.get("axis") or 0)
            size = reader.shape[axis] if 0 <= axis < len(reader.shape) else 0
            indices = parse_indices(arguments["indices"], size)
            found = course(reader, axis, indices, work, arguments.get("part", ""))
            assert isinstance(place.file, OpenFile)
            age = round(place.file.stamp.age, 3)
            about = {"size": size, "age": age, "verified": reader.verified}
            return told({**found.as_dict(), **about})

    return {"envelope": of_line, "course": of_slices}


def parse_indices(text: str, size: int) -> list[int]:
    """Indices and slices of one axis: `0:64:4,70`."""
    found: list[int] = []
    for each in parse_key(text, "indices"):
        if isinstance(each, int):
            found.append(each)
            continue
        if each.step is not None and each.step < 1:
            raise wrong("indices", "A slice's step is at least 1.")
        span = range(*each.indices(size))
        # Looked at before it becomes a list: an axis may be long.
        if len(span) > MOST_INDICES:
            words = f"Ask for at most {MOST_INDICES} at once."
            raise wrong("indices", words, "Every n-th one is 0:1000:n.")
        found += span
    return found
