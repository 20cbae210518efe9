"""A stranger's files as the builder itself may read them."""

from __future__ import annotations

import os
from pathlib import Path

FOLDERS = ("", "binder", ".binder")
"""Where build packs look for what an environment is made of; they read it on this host."""


def refuse_links_out(context: Path) -> None:
    """Refuse a file among those that would be read, if it is a link to a file of the build host.

    What it holds would get into the log, which others read. Links elsewhere in a repository are
    only copied, and followed in the container.
    """
    inside = context.resolve()
    for folder in FOLDERS:
        place = context / folder
        if folder and place.is_symlink() and not _within(place, inside):
            raise _leads_out(folder)
        if not place.is_dir():
            continue
        for entry in os.scandir(place):
            path = Path(entry.path)
            if entry.is_symlink() and not path.is_dir() and not _within(path, inside):
                raise _leads_out(os.path.join(folder, entry.name))


def _within(path: Path, inside: Path) -> bool:
    """Whether a link leads to where the repository is, or to nothing at all."""
    try:
        return path.resolve().is_relative_to(inside) or not path.exists()
    except (OSError, RuntimeError):
        return True  # It leads to itself, or to where nobody may look; so it is not read either.


def _leads_out(name: str) -> ValueError:
    return ValueError(f"{name} is a link that leads out of the repository.")
