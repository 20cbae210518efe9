"""Our pages, in JupyterHub's own frame: its `page.html`, its Bootstrap, its light and dark."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from jinja2 import Environment, FileSystemLoader
from jupyterhub._data import DATA_FILES_PATH


def template_environment() -> Environment:
    """Templates from where JupyterHub keeps its own; ours are installed beside them."""
    environment = Environment(
        loader=FileSystemLoader(Path(DATA_FILES_PATH) / "templates"),
        autoescape=True,
        enable_async=False,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        ago=ago, day=day, duration=duration, isotime=isotime, left=left, listed=listed
    )
    return environment


def ago(at: float) -> str:
    """How long ago something was, as one says it."""
    seconds = max(0, time.time() - at)
    for unit, size in (("day", 86400), ("hour", 3600), ("minute", 60)):
        number = int(seconds // size)
        if number:
            return f"{number} {unit}{'s' if number > 1 else ''} ago"
    return "just now"


def duration(seconds: float) -> str:
    """How long something took."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    return f"{int(seconds // 60)} min {int(seconds % 60)} s"


def listed(words: Sequence[str]) -> str:
    """Several things, as one says them."""
    *others, last = words
    return f"{', '.join(others)} and {last}" if others else last


def left(until: float) -> str:
    """How long something still lasts, in whole minutes."""
    minutes = max(0, int((until - time.time()) // 60))
    hours, rest = divmod(minutes, 60)
    return f"{hours} h {rest} min" if hours else f"{rest} min"


def day(at: float) -> str:
    """A day, for people."""
    moment = datetime.fromtimestamp(at, UTC)
    return f"{moment.day} {moment:%B %Y}"


def isotime(at: float) -> str:
    """A moment, for machines and for those who point at it."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
