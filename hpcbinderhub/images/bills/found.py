"""What a tree says of one package, before anybody has looked whether it can be believed."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, get_args

from .model import ADDRESS, HASH, HashName

Fields = dict[str, Any]
"""Of a package; None stands for something that was there and could not be understood."""

Found = Iterator[Fields | None]


def parsed(text: bytes | None) -> Mapping[str, Any] | None:
    """A JSON object; None if it is none."""
    try:
        value = json.loads(text or b"")
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def digest(lines: Iterable[str]) -> str:
    """SHA-256 of lines, whatever their order; empty if there are none."""
    ordered = sorted(lines)
    return (
        hashlib.sha256("\n".join(ordered).encode("utf-8", "replace")).hexdigest() if ordered else ""
    )


def public(url: object) -> str:
    """An address without the user, password or token in it, since all who read a bill would have
    them; nothing if it is no address."""
    without_user = re.sub(r"^([a-z0-9+]+://)[^/@]*@", r"\1", str(url))
    found = re.sub(r"\?[^#]*", "", re.sub(r"/t/[^/]+/", "/", without_user))
    return found if re.fullmatch(ADDRESS, found, re.ASCII) else ""


def hashes(found: object) -> dict[str, str]:
    """Those of an archive's hashes whose kind and shape are known."""
    given = found.items() if isinstance(found, dict) else ()
    known = {name: str(value).lower() for name, value in given if name in get_args(HashName)}
    return {name: value for name, value in known.items() if re.fullmatch(HASH, value)}
