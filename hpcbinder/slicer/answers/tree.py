"""What is in a file: groups, data sets, attributes and axes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import catalogue
from ..errors import Refusal
from ..files.links import Place
from ..process.answer import Answer, told
from ..process.table import Arguments, Operation
from ..work import Work
from .looking import Looking

CHILDREN = 200
MOST_CHILDREN = 5000


def operations(looking: Looking) -> dict[str, Operation]:
    """`node`, `children`, `attributes`, `search` and `axes`."""

    def of(ask: Callable[[Place, Arguments, Work], Any]) -> Operation:
        def operation(arguments: Arguments, work: Work) -> Answer:
            with looking.at(arguments, work) as place:
                return told(ask(place, arguments, work))

        return operation

    return {
        "node": of(lambda place, arguments, work: catalogue.node(place, work)),
        "children": of(children),
        "attributes": of(lambda place, arguments, work: catalogue.attributes(place, work)),
        "search": of(
            lambda place, arguments, work: catalogue.search(place, arguments["text"], work)
        ),
        "axes": of(lambda place, arguments, work: catalogue.axes(place, work)),
    }


def children(place: Place, arguments: Arguments, work: Work) -> Any:
    """A page of them: groups may have millions."""
    offset, limit = int(arguments.get("offset") or 0), int(arguments.get("limit") or CHILDREN)
    if offset < 0 or not 0 < limit <= MOST_CHILDREN:
        raise Refusal(
            400,
            f"`offset` is at least 0, and `limit` goes from 1 to {MOST_CHILDREN}.",
            "Ask for one page after the other.",
            "parameter",
        )
    return catalogue.children(place, offset, limit, work)
