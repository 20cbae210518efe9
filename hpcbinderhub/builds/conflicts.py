"""uv's explanation of why no versions fit, and which two sides do not go together."""

from __future__ import annotations

import re
from collections.abc import Sequence

TOOLS = "hpcbinder"
"""The package that asks for all our tools, whose name uv therefore tells."""

_BOUND = r"[<>=!~]=?[^\s,<>=!~]+"
_REQUIREMENT = rf"[A-Za-z0-9][\w.-]*(?:\[[\w,-]+\])?(?:\{{[^}}]*\}})?(?:{_BOUND}(?:,{_BOUND})*)?"
_DEPENDS = re.compile(rf"({_REQUIREMENT}) depends? on ({_REQUIREMENT})")
_REQUIRED = re.compile(
    rf"(?<!that )you require ({_REQUIREMENT})(?:,? and (?:you require )?({_REQUIREMENT}))?"
)
# To uv, a version that a lock holds is a fact and not a wish.
_LOCKED = re.compile(r"(?:Because|and) ([\w.-]+==[^\s,]+)(?= and |, we can)")


def reason(lines: Sequence[str]) -> str:
    """uv's own explanation in one line; that of the last attempt, if there were several."""
    text: list[str] = []
    going_on = False
    for line in lines:
        started = re.search(r"(Because .*)", line)
        if started:
            text, going_on = [started[1]], True
        elif going_on and line.startswith(" ") and not re.match(r"\s*(hint|cause):", line):
            text.append(line.strip())
        else:
            going_on = False
    return " ".join(text) or "no versions suit both."


def two_sides(explanation: str) -> str:
    """A sentence that names what the repository wants, and what of the tools stands against it."""
    required = [one for pair in _REQUIRED.findall(explanation) for one in pair if one]
    wanted = [*required, *_LOCKED.findall(explanation)]
    theirs = list(dict.fromkeys(one.rstrip(".") for one in wanted if _name(one) != TOOLS))
    names = {_name(one) for one in theirs}
    against = [
        f"the tools need {what}" if _name(who) == TOOLS else f"{who} of the tools needs {what}"
        for who, what in _DEPENDS.findall(explanation)
        if _name(what) in names
    ]
    if not against:
        return (
            f"The repository's requirements and this hub's tools exclude each other: {explanation}"
        )
    against.sort(key=lambda text: text.startswith("the tools need"))
    return f"The repository requires {' and '.join(theirs)}, but {against[0].rstrip('.')}."


def _name(requirement: str) -> str:
    return re.split(r"[\[{<>=!~]", requirement)[0]
