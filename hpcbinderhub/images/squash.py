"""A finished image's tree, as it is mounted: what the start command and the engines need goes in,
what the build made is listed.

The image belongs to a stranger. What is done here to its tree never follows a symbolic link in it.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path

from hpcbinderhub.errors import UserError
from hpcbinderhub.images.record import RECORD
from hpcbinderhub.images.tree import open_folder

PROGRAMS = "/srv/hpcbinder/bin"
NEEDED_PROGRAMS = ("hpcbinder", "jupyterhub-singleuser", "python3")
NEEDED_FILES = (RECORD, *(f"{PROGRAMS}/{name}" for name in NEEDED_PROGRAMS))
"""What every image has that can be launched."""

NEEDED_FOLDERS = ("/proc", "/sys", "/dev", "/run", "/tmp", "/var/tmp", "/srv/repo", "/srv/home")
"""Folders that every engine, or the start command, expects."""


def add_folders(root: Path, folders: Sequence[str]) -> None:
    """Make folders for an engine to mount on, since the image is read-only when it does."""
    for path in folders:
        # The image has a link or a file there already, which is its own affair.
        with contextlib.suppress(NotADirectoryError):
            os.close(open_folder(root, path, create=True))


def check_programs(root: Path) -> None:
    """Refuse an image that could not be launched."""
    folder = open_folder(root, PROGRAMS)
    try:
        missing = set(NEEDED_PROGRAMS) - set(os.listdir(folder))
    finally:
        os.close(folder)
    if missing:
        raise UserError(f"The image lacks {', '.join(sorted(missing))} in {PROGRAMS}.")
