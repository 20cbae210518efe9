"""Reading the tree of an image, which a stranger filled.

Nothing in it is run, no link in it is followed, nothing but ordinary files is opened, of each no
more is read than the reader asked for, and of all together no more than a gigabyte.
"""

from __future__ import annotations

import contextlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

MAX_NAMES = 20_000
"""Of one folder."""


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


@dataclass
class Tree:
    """A tree, by paths inside it. What cannot be read there is not there."""

    root: Path
    left: int = 1 << 30
    """How many bytes may still be read."""

    def names(self, path: str) -> list[str]:
        """What a folder holds, sorted, up to a limit; nothing if it is none, or behind a link."""
        with contextlib.suppress(OSError, ValueError):
            handle = open_folder(self.root, _inside(path))
            try:
                return sorted(os.listdir(handle))[:MAX_NAMES]
            finally:
                os.close(handle)
        return []

    def read(self, path: str, limit: int) -> bytes | None:
        """The first so many bytes of a file; None if it is no ordinary file, or behind a link."""
        pure = PurePosixPath(path)
        # A pipe would keep whoever opens it waiting for its other end.
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
        with contextlib.suppress(OSError, ValueError):
            folder = open_folder(self.root, _inside(str(pure.parent)))
            try:
                handle = os.open(pure.name, flags, dir_fd=folder)
            finally:
                os.close(folder)
            with open(handle, "rb") as file:
                if stat.S_ISREG(os.fstat(handle).st_mode):
                    found = file.read(min(limit, self.left))
                    self.left -= len(found)
                    return found
        return None

    def text(self, path: str, limit: int) -> str:
        """The same as text; empty if there is none."""
        return (self.read(path, limit) or b"").decode("utf-8", "replace")

    def whole(self, path: str, limit: int) -> bytes | None:
        """A file that is not longer than so many bytes."""
        found = self.read(path, limit + 1)
        return None if found is None or len(found) > limit else found


def _inside(path: str) -> str:
    if not path.startswith("/") or ".." in PurePosixPath(path).parts:
        raise ValueError(f"{path!r} may lead out of the tree")
    return path
