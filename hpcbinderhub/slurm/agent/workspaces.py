"""A user's workspaces: listed, and deleted one by one. Each has a folder of its own, with the clone
in it and what it takes to make one.

Code that runs in a container of hers can write where they are. So names are never followed through
links, and what is removed is held by a descriptor from the look at it to its end.
"""

import fcntl
import os
import stat
import subprocess
import time
from contextlib import contextmanager
from typing import Any, Dict, Iterator, List

from .basics import Refused, Request, find_program
from .checkout import look
from .measure import measure, storage

LIST_SECONDS = 60.0
SIZE_SECONDS = 3.0
LOOK_SECONDS = 20.0
REMOVE_SECONDS = 60.0
TRASH = ".trash"
FILES = "files"


def listed(request: Request) -> Dict[str, Any]:
    """The workspaces below a folder, or the one that is named; and how full its storage is."""
    deadline = time.monotonic() + LIST_SECONDS
    try:
        root = open_folder(request["root"])
    except Refused:
        names = []
    else:
        names = [name for name in names_in(root) if request["name"] in ("", name)]
    return {
        "workspaces": [describe(request, name, deadline) for name in names],
        "storage": storage(request["root"], request["path"]),
    }


def names_in(root: int) -> List[str]:
    names = [name for name in os.listdir(root) if not name.startswith(".")]
    return sorted(name for name in names if is_folder(name, root))


def is_folder(name: str, within: int) -> bool:
    try:
        return stat.S_ISDIR(os.lstat(name, dir_fd=within).st_mode)
    except FileNotFoundError:
        return False


def describe(request: Request, name: str, deadline: float) -> Dict[str, Any]:
    folder = os.path.join(request["root"], name)
    path = os.path.join(folder, FILES)
    found: Dict[str, Any] = {"name": name, "path": path}
    try:
        git = find_program("git", request["path"])
    except Refused:
        git = ""
    found.update(look(git, path, deadline))
    if request["measure"]:
        found.update(measure(folder, min(deadline, time.monotonic() + SIZE_SECONDS)))
    return found


def delete(request: Request) -> Dict[str, Any]:
    """Delete a workspace, unless something in it is nowhere else and that is not meant.

    It is moved aside first, so that nobody meets half of it. A removal that takes too long is gone
    on with when the next workspace is deleted.
    """
    name = request["name"]
    root = open_folder(request["root"])
    if name not in names_in(root):
        raise Refused("gone", "there is no workspace %s" % name)
    with nobody_else(root, name):
        if not request["force"]:
            refuse_losses(
                describe(dict(request, measure=False), name, time.monotonic() + LOOK_SECONDS)
            )
        trash = trash_in(root)
        aside = "%s.%d.%d" % (name, time.time(), os.getpid())
        os.rename(name, aside, src_dir_fd=root, dst_dir_fd=trash)
        if not is_folder(aside, trash):
            raise Refused("gone", "%s was no folder any more" % name)
    return {"removed": empty(trash, request["path"])}


def refuse_losses(found: Dict[str, Any]) -> None:
    changes, unshared = found["changes"], found["unshared"]
    if changes is None or unshared is None:
        raise Refused("unsaved", "Git cannot tell whether anything in it is nowhere else.")
    if changes or unshared:
        raise Refused(
            "unsaved",
            "%d changed or new files, %d commits that are nowhere else." % (changes, unshared),
        )


def open_folder(path: str) -> int:
    try:
        return os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except (FileNotFoundError, NotADirectoryError):
        raise Refused("gone", "%s is no folder" % path) from None


@contextmanager
def nobody_else(root: int, name: str) -> Iterator[None]:
    """While no launch makes the workspace ready: the start command holds the same lock."""
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW
    folder = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=root)
    try:
        lock = os.open(".%s.lock" % FILES, flags, 0o600, dir_fd=folder)
    finally:
        os.close(folder)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise Refused("busy", "a launch is making %s ready" % name) from None
    finally:
        os.close(lock)


def trash_in(root: int) -> int:
    try:
        os.mkdir(TRASH, 0o700, dir_fd=root)
    except FileExistsError:
        pass
    return os.open(TRASH, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=root)


def empty(trash: int, path: List[str]) -> bool:
    """Remove all that was put aside. Standing in it, no name leads anywhere else."""
    os.fchdir(trash)
    aside = ["./" + name for name in os.listdir(".")]
    try:
        subprocess.run(
            [find_program("rm", path), "-rf", "--"] + aside,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=REMOVE_SECONDS,
        )
    except subprocess.TimeoutExpired:
        pass
    return not os.listdir(".")
