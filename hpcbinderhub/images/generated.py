"""What a build left in the image and a user gets too: beside the commit in the repository's folder,
and in HOME."""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from hpcbinderhub.images.tree import Tree, open_folder

REPO_DIR = "/srv/repo"
TOOLS = "/srv/hpcbinder"

# Of HOME: caches, what shells remember, and what is used where it lies in the image.
SKIPPED = {".cache", ".npm", ".ssh", ".gnupg", ".bash_history", ".python_history", ".wget-hsts"} | {
    ".local/bin", ".local/lib", ".local/share/jupyter",
}  # fmt: skip
# Folders of HOME that programs share: they are the user's own, whatever is in them.
SHARED = {".config", ".local", ".local/share"}
# A folder of HOME with more than this is one entry: at the launch it is linked, not copied.
LARGEST_FOLDER = 64 * 2**20
MOST_FILES = 200
LARGEST_SKELETON = 1 << 20
# What distributions give to new accounts, and Debian to root.
SKELETONS = ("/etc/skel/", "/usr/share/base-files/dot")


@dataclass(frozen=True)
class Generated:
    """A file that the build made or changed; or a whole folder of it, with all that it holds."""

    path: str
    size: int
    link: str | None
    folder: bool = False

    def as_dict(self) -> dict[str, object]:
        """The entry in the image's record."""
        entry: dict[str, object] = {"path": self.path, "size": self.size, "link": self.link}
        return entry | ({"folder": True} if self.folder else {})


def generated(root: Path, repo_dir: str, context: Path) -> list[Generated]:
    """What the build made below the repository's folder beside the commit's own files."""
    found: list[Generated] = []
    for folder, folders, files, handle in _walk(root, repo_dir):
        folders[:] = sorted(set(folders) - {"__pycache__", ".git"})
        links = [name for name in folders if _is_link(name, handle)]
        for name in sorted([*files, *links]):
            path = os.path.normpath(os.path.join(folder, name))
            entry = _entry(path, name, handle)
            if entry is not None and not _is_same(name, handle, context / path):
                found.append(entry)
    return found


def left_in_home(root: Path, home: str, repo_dir: str) -> list[Generated]:
    """What the build left in HOME, but for what every new account has there."""
    found: list[Generated] = []
    if PurePosixPath(home).is_relative_to(repo_dir) or PurePosixPath(TOOLS).is_relative_to(home):
        return found
    repository = os.path.relpath(repo_dir, home)
    for folder, folders, files, handle in _walk(root, home):
        inner, folders[:] = sorted(folders), []
        for name in inner:
            path = os.path.normpath(os.path.join(folder, name))
            if path in SKIPPED or path == repository or name == "__pycache__":
                continue
            if _is_link(name, handle):
                files.append(name)
                continue
            size = None if path in SHARED else _large(name, handle)
            if size is None:
                folders.append(name)
            else:
                found.append(Generated(path, size, None, folder=True))
        for name in sorted(files):
            path = os.path.normpath(os.path.join(folder, name))
            entry = _entry(path, name, handle)
            if entry is None or path in SKIPPED or _is_skeleton(root, home, path):
                continue
            found.append(entry)
    return found


def repository_folder(root: Path, candidates: Collection[str], context: Path) -> str:
    """Where in the image the repository is: a Dockerfile may have copied it anywhere."""
    own = set(os.listdir(context)) - {".git"}
    for folder in candidates:
        if own and 2 * len(own & set(Tree(root).names(folder))) >= len(own):
            return folder
    return REPO_DIR


def _walk(root: Path, top: str) -> Iterator[tuple[str, list[str], list[str], int]]:
    """`os.fwalk` below a folder of the tree, if that is there."""
    try:
        handle = open_folder(root, top)
    except (FileNotFoundError, NotADirectoryError):
        return
    try:
        yield from os.fwalk(".", dir_fd=handle, follow_symlinks=False)
    finally:
        os.close(handle)


def _large(name: str, folder: int) -> int | None:
    """The size of a folder that is too large to be copied; of a small one, nothing."""
    files = size = 0
    for _, _, inside, handle in os.fwalk(name, dir_fd=folder, follow_symlinks=False):
        files += len(inside)
        size += sum(os.stat(f, dir_fd=handle, follow_symlinks=False).st_size for f in inside)
    return size if size > LARGEST_FOLDER or files > MOST_FILES else None


def _is_link(name: str, folder: int) -> bool:
    return stat.S_ISLNK(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode)


def _entry(path: str, name: str, folder: int) -> Generated | None:
    """The entry for a file or a link; nothing for what is neither."""
    made = os.stat(name, dir_fd=folder, follow_symlinks=False)
    if stat.S_ISLNK(made.st_mode):
        return Generated(path, 0, os.readlink(name, dir_fd=folder))
    return Generated(path, made.st_size, None) if stat.S_ISREG(made.st_mode) else None


def _is_same(name: str, folder: int, own: Path) -> bool:
    """Whether the commit has just this file or link."""
    made = os.stat(name, dir_fd=folder, follow_symlinks=False)
    try:
        was = own.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    if stat.S_ISLNK(made.st_mode) and stat.S_ISLNK(was.st_mode):
        return os.readlink(name, dir_fd=folder) == os.readlink(own)
    both = stat.S_ISREG(made.st_mode) and stat.S_ISREG(was.st_mode)
    return both and made.st_size == was.st_size and _same_content(name, folder, own)


def _is_skeleton(root: Path, home: str, path: str) -> bool:
    """Whether the image gives this file to every new account."""
    tree = Tree(root)
    given = [tree.read(origin + path, LARGEST_SKELETON) for origin in SKELETONS]
    found = tree.read(f"{home}/{path}", LARGEST_SKELETON)
    return found is not None and found in given


def _same_content(name: str, folder: int, own: Path) -> bool:
    handle = os.open(name, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=folder)
    with open(handle, "rb") as made, open(own, "rb") as before:
        while True:
            block = made.read(1 << 20)
            if block != before.read(1 << 20):
                return False
            if not block:
                return True
