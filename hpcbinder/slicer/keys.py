"""What to take of each axis, as it is written in NumPy."""

from __future__ import annotations

from typing import Union

from .errors import wrong

Key = tuple[Union[int, slice], ...]


def parse_key(text: str, name: str = "key") -> Key:
    """`0,:,10:20:2` → `(0, slice(None), slice(10, 20, 2))`; nothing is all of it.

    `name` is the parameter that it was.
    """
    words = [word.strip() for word in text.split(",")] if text.strip() else []
    return tuple(_along(word, name) for word in words)


def _along(word: str, name: str) -> int | slice:
    parts = word.split(":")
    try:
        if len(parts) == 1:
            return int(word)
        if len(parts) <= 3:
            return slice(*(int(part) if part else None for part in parts))
    except ValueError:
        pass
    advice = "It is written as in NumPy, with positive steps: 0,:,10:20:2."
    raise wrong(name, f"“{word[:40]}” is neither an index nor a slice.", advice)
