"""Reading and writing in the tree of an image, which belongs to a stranger: no symbolic link in it
is ever followed."""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path, PurePosixPath
from typing import BinaryIO


def open_folder(root: Path, path: str, *, create: bool = False) -> int:
    """Open a folder of the tree without following any link on the way to it."""
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
    handle = os.open(root, flags)
    for part in PurePosixPath(path).parts[1:]:
        try:
            if create:
                with contextlib.suppress(FileExistsError):
                    os.mkdir(part, 0o755, dir_fd=handle)
            inner = os.open(part, flags, dir_fd=handle)
        finally:
            os.close(handle)
        handle = inner
    return handle


def open_file(root: Path, path: str) -> BinaryIO:
    """Open a regular file of the tree to read it."""
    pure = PurePosixPath(path)
    folder = open_folder(root, str(pure.parent))
    try:
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
        handle = os.open(pure.name, flags, dir_fd=folder)
    finally:
        os.close(folder)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise FileNotFoundError(path)
    return open(handle, "rb")


def names(root: Path, path: str) -> list[str]:
    """What a folder of the tree holds; nothing if it is none or behind a link."""
    try:
        handle = open_folder(root, path)
    except OSError:
        return []
    try:
        return os.listdir(handle)
    finally:
        os.close(handle)
