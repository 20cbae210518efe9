"""A finished image's tree, as it is mounted: what the start command and the engines need goes in,
what the build made is listed.

The image belongs to a stranger. What is done here to its tree never follows a symbolic link in it.
"""

from __future__ import annotations

import contextlib
import json
import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from hpcbinderhub.errors import UserError

RECORD = "/srv/hpcbinder/image.json"
PROGRAMS = "/srv/hpcbinder/bin"
NEEDED_PROGRAMS = ("hpcbinder", "jupyterhub-singleuser", "python3")
NEEDED_FILES = (RECORD, *(f"{PROGRAMS}/{name}" for name in NEEDED_PROGRAMS))
"""What every image has that can be launched."""

NEEDED_FOLDERS = ("/proc", "/sys", "/dev", "/run", "/tmp", "/var/tmp", "/srv/repo", "/srv/home")
"""Folders that every engine, or the start command, expects."""


@dataclass(frozen=True)
class Generated:
    """A file that the build made or changed in the repository's folder."""

    path: str
    size: int
    link: str | None

    def as_dict(self) -> dict[str, object]:
        """The entry in the image's record."""
        return {"path": self.path, "size": self.size, "link": self.link}


def generated(root: Path, repo_dir: str, context: Path) -> list[Generated]:
    """What the build made below the repository's folder beside the commit's own files."""
    found: list[Generated] = []
    try:
        top = _open_folder(root, repo_dir)
    except (FileNotFoundError, NotADirectoryError):
        return found
    try:
        for folder, folders, files, handle in os.fwalk(".", dir_fd=top, follow_symlinks=False):
            folders[:] = sorted(set(folders) - {"__pycache__", ".git"})
            links = [name for name in folders if _is_link(name, handle)]
            for name in sorted([*files, *links]):
                path = os.path.normpath(os.path.join(folder, name))
                entry = _changed(path, name, handle, context)
                if entry is not None:
                    found.append(entry)
    finally:
        os.close(top)
    return found


def _is_link(name: str, folder: int) -> bool:
    return stat.S_ISLNK(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode)


def _changed(path: str, name: str, folder: int, context: Path) -> Generated | None:
    """The entry for one file, or nothing if the commit has just the same or it is no file."""
    made = os.stat(name, dir_fd=folder, follow_symlinks=False)
    own = context / path
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        before = own.lstat()
        if stat.S_ISLNK(made.st_mode) and stat.S_ISLNK(before.st_mode):
            if os.readlink(name, dir_fd=folder) == os.readlink(own):
                return None
        elif (
            stat.S_ISREG(made.st_mode)
            and stat.S_ISREG(before.st_mode)
            and made.st_size == before.st_size
            and _same_content(name, folder, own)
        ):
            return None
    if stat.S_ISLNK(made.st_mode):
        return Generated(path, 0, os.readlink(name, dir_fd=folder))
    return Generated(path, made.st_size, None) if stat.S_ISREG(made.st_mode) else None


def _same_content(name: str, folder: int, own: Path) -> bool:
    handle = os.open(name, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=folder)
    with open(handle, "rb") as made, open(own, "rb") as before:
        while True:
            block = made.read(1 << 20)
            if block != before.read(1 << 20):
                return False
            if not block:
                return True


def image_record(
    *,
    generation: str,
    environment: dict[str, str],
    repo_dir: str,
    start: str | None,
    made: Sequence[Generated],
) -> dict[str, object]:
    """What the start command reads about its image."""
    return {
        "format": 1,
        "tools_generation": generation,
        "env": environment,
        "repo_dir": repo_dir,
        "start": start,
        "generated": [entry.as_dict() for entry in made],
    }


def write_record(root: Path, record: dict[str, object]) -> None:
    """Write the image's record into its tree."""
    path = PurePosixPath(RECORD)
    folder = _open_folder(root, str(path.parent))
    try:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path.name, dir_fd=folder)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        with open(os.open(path.name, flags, 0o644, dir_fd=folder), "w", encoding="utf-8") as file:
            json.dump(record, file)
    finally:
        os.close(folder)


def add_folders(root: Path, folders: Sequence[str]) -> None:
    """Make folders for an engine to mount on, since the image is read-only when it does."""
    for path in folders:
        # The image has a link or a file there already, which is its own affair.
        with contextlib.suppress(NotADirectoryError):
            os.close(_open_folder(root, path, create=True))


def check_programs(root: Path) -> None:
    """Refuse an image that could not be launched."""
    folder = _open_folder(root, PROGRAMS)
    try:
        missing = set(NEEDED_PROGRAMS) - set(os.listdir(folder))
    finally:
        os.close(folder)
    if missing:
        raise UserError(f"The image lacks {', '.join(sorted(missing))} in {PROGRAMS}.")


def _open_folder(root: Path, path: str, *, create: bool = False) -> int:
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


def python_packages(root: Path) -> tuple[str, ...]:
    """Names and versions of the Python packages in the notebook's environment."""
    found: set[str] = set()
    for library in ("/srv/hpcbinder/env/lib", "/srv/conda/envs/notebook/lib"):
        for python in _names(root, library):
            for name in _names(root, f"{library}/{python}/site-packages"):
                if python.startswith("python3") and name.endswith(".dist-info"):
                    found.add("==".join(name.removesuffix(".dist-info").rsplit("-", 1)))
    return tuple(sorted(found))


def _names(root: Path, path: str) -> list[str]:
    """What a folder of the tree holds; nothing if it is none or behind a link."""
    try:
        handle = _open_folder(root, path)
    except OSError:
        return []
    try:
        return os.listdir(handle)
    finally:
        os.close(handle)
