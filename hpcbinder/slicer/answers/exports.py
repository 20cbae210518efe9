"""What is seen, to take away: a file that comes in parts, or Python that reads it again."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote

from ..errors import Refusal
from ..exporting import export, snippet
from ..files.links import Place
from ..files.opened import OpenFile
from ..planes import parse
from ..planes.source import Array, Key
from ..process.answer import Answer, told
from ..process.table import Arguments, Operation
from ..reading.reader import Reader
from ..work import Work
from .looking import Looking


def operations(looking: Looking) -> dict[str, Operation]:
    """`snippet`."""

    def python(arguments: Arguments, work: Work) -> Answer:
        with looking.reading(arguments, work) as (place, reader):
            request = parse(arguments, reader.shape)
            real = looking.roots.resolve(arguments["file"])
            return told({"text": snippet(real, place.path, request, reader.shape, reader.dtype)})

    return {"snippet": python}


def exported(looking: Looking, arguments: Arguments, work: Work) -> Answer:
    """A plane as a file of the format that is asked for."""
    steady = Steady(looking, arguments, work)
    request = parse(arguments, steady.shape)
    colours = arguments.get("colours", "")
    made = export(steady, request, arguments["format"], work, steady.path, colours)
    headers = {"Content-Disposition": attached(made.name)}
    return Answer(type=made.type, headers=headers, parts=made.parts)


def attached(name: str) -> str:
    """As HTTP has it, whose headers hold no letters of most scripts: those come encoded."""
    plain = "".join(letter if letter.isascii() else "_" for letter in name)
    encoded = "" if plain == name else f"; filename*=UTF-8''{quote(name, safe='')}"
    return f'attachment; filename="{plain}"{encoded}'


class Steady:
    """A data set as it was when this was made, read a part now and a part long after.

    Its file is held only meanwhile, and may be opened anew between two parts. An export of which
    one half is older than the other would be of no use: who changes the file ends it.
    """

    def __init__(self, looking: Looking, arguments: Arguments, work: Work) -> None:
        self._looking = looking
        self._arguments = arguments
        self._work = work
        with looking.reading(arguments, work) as (place, _):
            doubtful = _file(place).doubtful
        # What is written in the same instant would not be seen to be another thing.
        time.sleep(doubtful)
        with looking.reading(arguments, work) as (place, reader):
            self._stamp = _file(place).stamp
            self.path = place.path
            self.shape, self.dtype, self.chunks = reader.shape, reader.dtype, reader.chunks
            self.verified = reader.verified

    def read(self, key: Key, work: Work) -> Array:
        """As `Source` has it."""
        with self._reader() as reader:
            return reader.read(key, work)

    def etag(self, key: Key) -> str:
        """As `Source` has it."""
        with self._reader() as reader:
            return reader.etag(key)

    @contextmanager
    def _reader(self) -> Iterator[Reader]:
        with self._looking.reading(self._arguments, self._work) as (place, reader):
            if _file(place).stamp != self._stamp:
                raise Refusal(
                    409,
                    "The file was changed while it was exported.",
                    "Export it again.",
                    "changed",
                )
            yield reader


def _file(place: Place) -> OpenFile:
    assert isinstance(place.file, OpenFile)
    return place.file
