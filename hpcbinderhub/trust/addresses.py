"""Which addresses a pattern of trusted repositories stands for. Pure functions of the text.

A pattern is an address, or one that ends in `/*` for everything below it. Addresses are compared as
they are written, once they are written in the one way that cannot stand for anything else: trust
must not be had by spelling another repository so that it begins like a trusted one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from ..credentials.hosts import host_of

USER = "/{user}/"
"""Stands for the user's own name in a pattern."""

_SEGMENT = r"(?!\.{1,2}(?:/|$))[A-Za-z0-9._~+:;=@,()!$&'-]+"
_ADDRESS = re.compile(rf"https?://[a-z0-9][a-z0-9.-]*(?::[0-9]+)?(?:/{_SEGMENT})+")


def plain(url: str) -> str | None:
    """The address in its one way; None if it has parts that others may read differently, such as
    `..`, `%2e` or `?`."""
    try:
        parts, host = urlsplit(url), host_of(url)
    except ValueError:
        return None
    address = f"{parts.scheme}://{host}{parts.path.rstrip('/').removesuffix('.git')}"
    dropped = "@" in parts.netloc or re.search(r"[\s?#]", url)
    return address if _ADDRESS.fullmatch(address) and not dropped else None


def checked_pattern(text: str) -> str:
    """A site's pattern in its one way, or a ValueError that says what is wrong with it."""
    below = text.endswith("/*")
    address = plain(f"{text[:-1]}x" if below else text)
    if address is None:
        raise ValueError(f"“{text}” is no repository's address, nor one that ends in /*.")
    return f"{address[:-1]}*" if below else address


def checked_own_pattern(text: str) -> str:
    """A pattern with a place for the user's name, or a ValueError."""
    if text.count(USER) != 1:
        raise ValueError(f"“{text}” needs {USER} once, in the place of the user's name.")
    checked_pattern(text.replace(USER, "/name/"))
    return text


def own_patterns(patterns: Iterable[str], user: str) -> list[str]:
    """The patterns with a user's name in its place; none if it cannot be part of an address."""
    if not re.fullmatch(_SEGMENT, user):
        return []
    return [checked_pattern(pattern.replace(USER, f"/{user}/")) for pattern in patterns]


def is_among(address: str, patterns: Iterable[str]) -> bool:
    """Whether one of the patterns stands for an address; both are plain."""
    return any(
        address.startswith(pattern[:-1]) if pattern.endswith("/*") else address == pattern
        for pattern in patterns
    )
