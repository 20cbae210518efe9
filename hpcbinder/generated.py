"""What the image's build made beside the commit (downloaded data, compiled extensions), put into a
new workspace too; and what it left in HOME, put into the launch's own."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from itertools import dropwhile
from pathlib import Path, PurePosixPath

from .image import Generated, Image
from .report import say

# Larger files stay in the image, where they are already on the node and cost no quota.
LARGEST_COPY = 64 * 2**20


class Refused(Exception):
    """A path that is not put anywhere, and why."""


def place(image: Image, workspace: Path) -> None:
    """Copy or link every generated path of `image` that may be, and hide it from git."""
    if image.repo_dir is None or not image.generated:
        return
    placed = _place_all(image.generated, image.repo_dir, workspace, "the commit")
    if placed:
        _exclude(placed, workspace / ".git" / "info" / "exclude")
    say(
        "generated",
        f"Added {len(placed)} of {len(image.generated)} files that the build of the image made.",
    )


def place_in_home(image: Image, home: Path) -> None:
    """The same for HOME, which is the launch's own and empty."""
    if not image.in_home:
        return
    placed = _place_all(image.in_home, image.world.home, home, "the launch")
    say(
        "generated",
        f"Added {len(placed)} of {len(image.in_home)} files that the build of the image left in "
        "HOME.",
    )


def _place_all(entries: Iterable[Generated], source: Path, top: Path, owner: str) -> list[str]:
    placed = []
    for entry in entries:
        try:
            _place(entry, source, top, owner)
            placed.append(entry.path)
        except Refused as refused:
            say("generated", f"{entry.path!r} was left out: {refused}.")
    return placed


def _place(entry: Generated, folder: Path, top: Path, owner: str) -> None:
    relative = _relative(entry.path)
    target = _target(relative, top, owner)
    source = folder / relative
    size = 0
    if entry.link is not None:
        _check_link(target, entry.link, top)
    else:
        size = _size(source, entry)
    target.parent.mkdir(parents=True, exist_ok=True)
    if entry.link is not None:
        target.symlink_to(entry.link)
    elif entry.folder or size > LARGEST_COPY:
        target.symlink_to(source)
    else:
        _copy(source, target)


def _size(source: Path, entry: Generated) -> int:
    """The size of what the image has there, if it is what the entry says."""
    try:
        status = source.lstat()
    except OSError as error:
        raise Refused(f"the image has no such file ({error.strerror})") from None
    if entry.folder and not stat.S_ISDIR(status.st_mode):
        raise Refused("it is no folder in the image")
    if not entry.folder and not stat.S_ISREG(status.st_mode):
        raise Refused("it is not a regular file in the image")
    if not os.access(source, os.R_OK):
        raise Refused("the image lets nobody read it")
    return status.st_size


def _relative(path: str) -> PurePosixPath:
    relative = PurePosixPath(path)
    # A trailing or doubled slash, or a `.`, would be another name for what .git/info/exclude lists.
    if "\0" in path or relative.is_absolute() or str(relative) != path or not relative.name:
        raise Refused("it is no plain relative path")
    if ".." in relative.parts:
        raise Refused("it leads out of its folder")
    if ".git" in map(str.lower, relative.parts):
        raise Refused("it is git's own")
    return relative


def _target(relative: PurePosixPath, top: Path, owner: str) -> Path:
    """Where `relative` goes, reached through real directories alone: a link of the commit's could
    lead anywhere, into `.git/hooks` for one."""
    parent = top
    for part in relative.parts[:-1]:
        parent /= part
        if parent.is_symlink() or (parent.exists() and not parent.is_dir()):
            raise Refused(f"{parent.name!r} is no directory there")
    target = top / relative
    if os.path.lexists(target):
        raise Refused(f"{owner} has a file there")
    return target


def _check_link(target: Path, link: str, top: Path) -> None:
    """A link that leads out would mean something else on another day or machine."""
    if not link or "\0" in link or PurePosixPath(link).is_absolute():
        raise Refused("its link is no relative path")
    if ".." in dropwhile(lambda part: part == "..", PurePosixPath(link).parts):
        # What it would mean could change with a later entry.
        raise Refused("its link goes down before it goes up")
    end = Path(os.path.realpath(target.parent / link))
    if not end.is_relative_to(os.path.realpath(top)):
        raise Refused("its link leads out of its folder")


def _copy(source: Path, target: Path) -> None:
    import shutil

    # With its time, so that tools like make take it for as new as the build left it.
    shutil.copy2(source, target)
    target.chmod(target.stat().st_mode | stat.S_IRUSR | stat.S_IWUSR)


def _exclude(paths: Iterable[str], file: Path) -> None:
    file.parent.mkdir(exist_ok=True)
    with file.open("ab") as lines:
        lines.write(b"# Made by the build of the image, put here by HPC BinderHub.\n")
        lines.writelines(os.fsencode(exclude_pattern(path)) + b"\n" for path in paths)


def exclude_pattern(path: str) -> str:
    """The pattern for git that means `path` alone, or nearly so: a line break cannot be written.

    A carriage return is written as a set, because Git drops one that ends a line.
    """
    special = str.maketrans({c: f"\\{c}" for c in "\\*?[ "} | {"\n": "?", "\r": "[\r]"})
    return "/" + path.translate(special)
