"""How far the code of a launch reaches into its user's own files."""

from __future__ import annotations

from enum import StrEnum


class Reach(StrEnum):
    """What the container shows of them. HOME, caches and settings are the launch's own either
    way, so that nothing in her home changes what runs."""

    CLOSED = "closed"
    """The repository's own workspace, and what the site shows to everybody."""

    HOME = "home"
    """Her home directory too, where she has it outside."""
