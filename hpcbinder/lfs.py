"""Files in Git LFS: their content goes to where Git LFS keeps it, and its own command puts it into
the files. So whatever it does later finds everything as if it had been fetched."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from .git import Git, GitFailed
from .parts import Object
from .report import Exit, Stop

FILTER = "filter.lfs.process"
LONGEST_POINTER = 1024
# So many names make no command that is too long.
AT_ONCE = 100


def is_there(git: Git) -> bool:
    """Whether the image has it."""
    try:
        git("lfs", "version")
    except GitFailed:
        return False
    return True


def install(git: Git) -> None:
    """Have a repository use it. What is not there stays a pointer, instead of being an error:
    most nodes have no internet."""
    try:
        git("config", "--local", "--get", FILTER)
    except GitFailed:
        # With its hooks, above all the one that sends content along with commits. It runs none.
        git("lfs", "install", "--local", "--skip-smudge", settings=())


def expand(git: Git, since: str = "") -> None:
    """Put what is there into files that are pointers: all, or those that came with the commits
    since then. Of others, she may have deleted some."""
    if not since:
        git("lfs", "checkout")
        return
    came = ("--name-only", "--no-renames", "--diff-filter=AM", "-r", "-z", since, "HEAD")
    names = [name for name in git("diff-tree", *came, "--").split("\0") if name]
    pointers = [name for name in names if _is_pointer(git.directory / name)]
    for begin in range(0, len(pointers), AT_ONCE):
        git("lfs", "checkout", "--", *pointers[begin : begin + AT_ONCE])


def _is_pointer(path: Path) -> bool:
    if path.is_symlink() or not path.is_file() or path.stat().st_size > LONGEST_POINTER:
        return False
    return path.read_bytes().startswith(b"version https://git-lfs.github.com/spec/v1\n")


def place(git_directory: Path, one: Object) -> Path:
    """Where a repository has an object."""
    return git_directory / "lfs" / "objects" / one.oid[:2] / one.oid[2:4] / one.oid


class Shelves:
    """Takes in a stream of objects and puts each where it belongs; written to like a file."""

    def __init__(self, wanted: Sequence[tuple[Path, Object]]) -> None:
        self._wanted = wanted
        self._number = 0
        self._position = 0
        self._file: IO[bytes] | None = None
        self._hash = hashlib.sha256()

    def tell(self) -> int:
        """How much has come."""
        return self._position

    def seek(self, _offset: int) -> None:
        """Begin anew."""
        self.close()
        self._number = self._position = 0

    def truncate(self) -> None:
        """Nothing is left of what came before."""

    def write(self, chunk: bytes) -> None:
        """Whatever comes next."""
        rest = memoryview(chunk)
        while self._number < len(self._wanted):
            file = self._file or self._open()
            _, one = self._wanted[self._number]
            some = rest[: one.size - file.tell()]
            file.write(some)
            self._hash.update(some)
            self._position += len(some)
            rest = rest[len(some) :]
            if file.tell() < one.size:
                return
            self._finish(file)

    def flush(self) -> None:
        """Objects without a byte need none to come."""
        self.write(b"")

    def close(self) -> None:
        """Leave nothing half."""
        if self._file is not None:
            self._file.close()
            self._partial().unlink()
            self._file = None

    def _open(self) -> IO[bytes]:
        partial = self._partial()
        partial.parent.mkdir(parents=True, exist_ok=True)
        self._hash = hashlib.sha256()
        self._file = partial.open("wb")
        return self._file

    def _partial(self) -> Path:
        target, _ = self._wanted[self._number]
        return target.with_name(f".{target.name}.partial")

    def _finish(self, file: IO[bytes]) -> None:
        target, one = self._wanted[self._number]
        if self._hash.hexdigest() != one.oid:
            self.close()
            raise Stop(
                Exit.CONTENT,
                "content",
                f"The file in Git LFS with the hash {one.oid[:12]} came damaged from the hub. "
                "Launch again; if it fails again, tell the site's administrators.",
            )
        file.close()
        self._partial().rename(target)
        self._file = None
        self._number += 1
