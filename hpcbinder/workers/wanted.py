"""What is asked for: the arguments of `Workers`, checked before anything is sent."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from typing import Any

from .errors import WorkersError

NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
MEMORY = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([kmgt]?)i?b?\s*", re.IGNORECASE)
MB = {"k": 2**-10, "": 2**-20, "m": 1, "g": 2**10, "t": 2**20}


def request(
    workers: int | None,
    nodes: int | None,
    name: str | None,
    options: Mapping[str, Any],
) -> dict[str, Any]:
    """The body of the call that makes a crew. `options` that are None are left to the profile."""
    if workers is not None and nodes is not None:
        raise WorkersError(
            "Workers and nodes were both asked for.",
            "Say one of them: Workers(40) or Workers(nodes=4).",
        )
    asked = {"nodes": counted("nodes", nodes)} if nodes is not None else {}
    if nodes is None:
        asked = {"workers": counted("workers", 0 if workers is None else workers)}
    given = {key: value for key, value in options.items() if value is not None}
    if "memory" in given:
        given["memory_mb"] = megabytes(given.pop("memory"))
    return {"name": named(name), **asked, **given}


def named(name: str | None) -> str:
    """A crew's name: the one that is given, or one that nobody has."""
    if name is None:
        return f"workers-{secrets.token_hex(3)}"
    if not NAME.fullmatch(name):
        raise WorkersError(
            f"“{name}” cannot be the name of workers.",
            "Use up to 40 small letters, digits and hyphens, beginning with a letter or digit.",
        )
    return name


def counted(what: str, number: object) -> int:
    """A number of workers or nodes, which may be 0."""
    if isinstance(number, bool) or not isinstance(number, int) or number < 0:
        raise WorkersError(f"{number!r} is no number of {what}.", "Use a whole number from 0 on.")
    return number


def megabytes(memory: int | str) -> int:
    """What a node shall have: "16 GB", or a number of MB, as Slurm has it."""
    if isinstance(memory, int) and not isinstance(memory, bool):
        return memory
    found = MEMORY.fullmatch(str(memory))
    if not found:
        raise WorkersError(f"“{memory}” is no amount of memory.", "Write it like “16 GB”.")
    return max(1, round(float(found[1]) * MB[found[2].lower()]))
