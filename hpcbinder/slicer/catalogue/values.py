"""Pages of values as JSON, of any type."""

from __future__ import annotations

import math
from typing import Any

from ..files.damage import in_words
from ..files.links import Place
from ..work import Work
from .loading import Key, Read, chosen, lengths, load, refuse_too_many
from .plain import Plain
from .types import describe


def values(place: Place, key: Key, work: Work, read: Read = None) -> dict[str, Any]:
    """What a key selects, in nested lists; an empty data set's value is null."""
    dataset = place.dataset()
    with in_words(place.path):
        answer: dict[str, Any] = {
            "path": place.path,
            "type": describe(dataset.id.get_type()),
            "shape": None,
            "start": "",
            "values": None,
        }
        if dataset.shape is None:
            return answer
        selection = chosen(key, dataset.shape)
        refuse_too_many(math.prod(lengths(selection)))
        array = load(place, selection, work, read)
        answer["shape"] = list(lengths(selection))
        answer["start"] = ",".join(map(_text, selection))
        answer["values"] = Plain(place.file.h5, work).nested(array)
    return answer


def _text(each: int | slice) -> str:
    if not isinstance(each, slice):
        return str(each)
    step = "" if each.step == 1 else f":{each.step}"
    return f"{each.start}:{each.stop}{step}"
