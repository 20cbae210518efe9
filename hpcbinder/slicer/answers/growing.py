"""`growth`: follows the data sets of a page."""

from __future__ import annotations

import json
from typing import Any

from ..errors import Refusal
from ..files.opened import OpenFile
from ..live.growth import Followed, Growth, Seen, stamp_of
from ..process.answer import Answer
from ..process.table import Arguments, Following, Tell
from ..work import Work
from .looking import Looking


def followings(looking: Looking, request_bytes: int) -> dict[str, Following]:
    """The argument `followed` is a list of pairs, file and path, in JSON."""

    def look(followed: Followed, work: Work) -> Seen:
        # What claims memory in one look has given it back by the next.
        once = Work(request_bytes, 30.0)
        with looking.at({"file": followed.file, "path": followed.path}, once) as place:
            file = place.file
            assert isinstance(file, OpenFile)
            stamp = (file.stamp.device, file.stamp.inode, file.stamp.size, file.stamp.mtime_ns)
            if not hasattr(place.object, "shape"):
                return Seen(stamp, None, file.live, not file.live)
            reader = looking.reader(place)
            return Seen(stamp, tuple(reader.shape), file.live, reader.verified)

    def stamp(followed: Followed) -> tuple[int, int, int, int]:
        try:
            return stamp_of(looking.roots.resolve(followed.file))
        except OSError as error:
            raise Refusal(404, f"{followed.file} is gone: {error.strerror}.", "", "gone") from error

    def growth(arguments: Arguments, work: Work, tell: Tell) -> None:
        def say(event: str, holds: dict[str, Any]) -> None:
            tell(Answer(f"event: {event}\ndata: {json.dumps(holds)}\n\n".encode()))

        followed = [Followed(file, path) for file, path in json.loads(arguments["followed"])]
        Growth(look, stamp, say).follow(followed, work)

    return {"growth": growth}
