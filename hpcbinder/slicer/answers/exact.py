"""Exact values: as JSON of any type, or a plane of them as a file."""

from __future__ import annotations

from .. import catalogue
from ..files.links import Place
from ..keys import parse_key
from ..process.answer import Answer, told
from ..process.table import Arguments, Operation
from ..work import Work
from .exports import exported
from .looking import Looking


def operations(looking: Looking) -> dict[str, Operation]:
    """`values`."""

    def values(arguments: Arguments, work: Work) -> Answer:
        if arguments.get("format", "json") not in ("", "json"):
            return exported(looking, arguments, work)
        with looking.at(arguments, work) as place:
            return in_json(place, arguments, work)

    def in_json(place: Place, arguments: Arguments, work: Work) -> Answer:
        dataset = place.dataset()
        plain = dataset.shape is not None and not dataset.dtype.hasobject
        # HDF5 reads what is not plain, and follows whatever the file names.
        place.links.storage(place, work)
        read = looking.reader(place).read if plain else None
        return told(catalogue.values(place, parse_key(arguments.get("key", "")), work, read))

    return {"values": values}
