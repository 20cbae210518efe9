"""Repositories on shared storage, read as the user who asks.

Whoever owns a repository that the user may read could have put commands into its configuration. So
Git never runs in it, but in an empty one of our own that borrows its objects and its refs.
"""

import contextlib
import os
import signal
import subprocess
import tempfile
from typing import Any, Dict, Iterator, Tuple

from .basics import COMMAND_SECONDS, Refused, Request, find_program, send
from .plain import write

PIECE_BYTES = 48 * 1024


def commit(request: Request) -> Dict[str, Any]:
    """The commit that the first of some names stands for; empty if none does."""
    with borrowed(request) as folder:
        for name in request["names"]:
            asked = git(request, folder, "rev-parse", "--verify", "--quiet", name + "^{commit}")
            done = subprocess.run(stdout=subprocess.PIPE, **asked)
            if done.returncode == 0:
                return {"commit": done.stdout.decode().strip()}
    return {"commit": ""}


def bundle(request: Request) -> Dict[str, Any]:
    """A commit with its history as data: a Git bundle."""
    sent = 0
    with borrowed(request) as folder, tempfile.TemporaryFile() as words:
        write(os.path.join(folder, "HEAD"), request["commit"])
        asked = git(request, folder, "bundle", "create", "-", "HEAD")
        with subprocess.Popen(stdout=subprocess.PIPE, stderr=words, **asked) as process:
            try:
                for piece in iter(lambda: process.stdout.read(PIECE_BYTES), b""):  # type: ignore[union-attr]
                    sent += len(piece)
                    if sent > request["limit"]:
                        raise unreadable("It has more than %d MiB." % (request["limit"] >> 20))
                    send(request, piece)
                    signal.alarm(COMMAND_SECONDS)
            except Refused:
                process.kill()
                raise
        if process.returncode != 0:
            words.seek(0)
            raise unreadable(words.read().decode("utf-8", "replace").strip())
    return {"bytes": sent}


def roots(request: Request) -> Dict[str, Any]:
    """Whether the caller gets to the folders that repositories may be in, and whether there is Git
    to read them with."""
    try:
        program = find_program("git", request["path"])
    except Refused:
        program = ""
    rows = [
        {
            "path": path,
            "absolute": os.path.isabs(path),
            "folder": os.path.isdir(path),
            "open": os.access(path, os.X_OK),
        }
        for path in request["roots"]
    ]
    return {"git": program, "roots": rows}


@contextlib.contextmanager
def borrowed(request: Request) -> Iterator[str]:
    """A repository without configuration, whose objects and refs are those of another."""
    signal.signal(signal.SIGALRM, too_slow)
    signal.alarm(COMMAND_SECONDS)
    with tempfile.TemporaryDirectory() as folder:
        try:
            head, common = parts(request)
            write(os.path.join(folder, "HEAD"), first_line(os.path.join(head, "HEAD")))
        except OSError as error:
            raise unreadable(str(error)) from error
        os.makedirs(os.path.join(folder, "objects", "info"))
        write(os.path.join(folder, "objects", "info", "alternates"), common + "/objects")
        for name in ("refs", "packed-refs"):
            os.symlink(os.path.join(common, name), os.path.join(folder, name))
        yield folder
    signal.alarm(0)


def parts(request: Request) -> Tuple[str, str]:
    """Where a repository's own HEAD is, and where all else is: not the same for a worktree."""
    path = request["repository"]
    head = os.path.join(path, ".git")
    if os.path.isfile(head):
        head = os.path.join(path, first_line(head).partition("gitdir:")[2].strip())
    elif not os.path.isdir(head):
        head = path
    common = os.path.join(head, first_line(os.path.join(head, "commondir")))
    roots = [os.path.realpath(root).rstrip("/") + "/" for root in request["roots"]]
    for place in (path, head, common):
        if not any((os.path.realpath(place) + "/").startswith(root) for root in roots):
            raise unreadable("%s leads to somewhere else." % place)
    if not os.path.isfile(os.path.join(head, "HEAD")):
        raise unreadable("%s is not a Git repository." % path)
    if os.path.exists(os.path.join(common, "shallow")):
        raise unreadable("Its history is cut off; git fetch --unshallow gets the rest.")
    return head, os.path.realpath(common)


def git(request: Request, folder: str, *arguments: str) -> Dict[str, Any]:
    """How a command of Git is run in such a repository."""
    return {
        "args": [find_program("git", request["path"])] + list(arguments),
        "cwd": folder,
        "stdin": subprocess.DEVNULL,
        "env": {
            "PATH": ":".join(request["path"]),
            "HOME": folder,
            "LC_ALL": "C.UTF-8",
            "GIT_DIR": folder,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_NO_REPLACE_OBJECTS": "1",
            # What is missing is fetched from nowhere.
            "GIT_ALLOW_PROTOCOL": "",
        },
    }


def unreadable(words: str) -> Refused:
    return Refused("repository", words)


def too_slow(_signal: int, _frame: Any) -> None:
    raise unreadable("Git was silent for %d s." % COMMAND_SECONDS)


def first_line(path: str) -> str:
    """The beginning of a file that somebody else may have written."""
    try:
        with open(path, "rb") as file:
            return file.readline(4096).decode("utf-8", "surrogateescape").strip()
    except FileNotFoundError:
        return ""
