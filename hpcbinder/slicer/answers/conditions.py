"""`ETag` and `If-None-Match`: what a browser has already is not made again."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ..process.answer import Answer

HEADER = "If-None-Match"


def quoted(tag: str) -> str:
    """As HTTP has it."""
    return f'"{tag}"'


def unchanged(arguments: Mapping[str, str], tag: Callable[[], str]) -> Answer | None:
    """The answer to whoever has it already; `tag` is asked for only if somebody has something."""
    if HEADER not in arguments:
        return None
    known = {word.strip().removeprefix("W/") for word in arguments[HEADER].split(",")}
    now = quoted(tag())
    return Answer(status=304, headers={"ETag": now}) if now in known or "*" in known else None
