"""What fields of an answer have to be."""

from __future__ import annotations

from pathlib import Path


def text(value: object) -> str:
    """Text that the kernel takes whole: NUL would end it, wherever it is used from here on."""
    if not isinstance(value, str) or "\0" in value:
        raise TypeError("text expected")
    return value


def variable(value: object) -> str:
    """The name of an environment variable."""
    name = text(value)
    if not name or "=" in name:
        raise ValueError("name of a variable expected")
    return name


def absolute(value: object) -> Path:
    """A path that leads to one place, from wherever it is looked at."""
    path = Path(text(value))
    if not path.is_absolute() or ".." in path.parts or not path.name:
        raise ValueError("absolute path expected")
    return path
