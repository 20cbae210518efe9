"""What is left of launches that are over: their keys, and what nobody needs of folders of long ago.

A launch's folder holds its HOME, and whatever she saved there is hers: only what this project wrote
goes, what programs keep to be faster, and folders without a file. Its code could have put links
anywhere, so each step down is a descriptor of a real folder, and only names in one are removed.
"""

import os
import re
import stat
import time
from contextlib import contextmanager
from typing import Any, Callable, Dict, Iterator, List, Set

from .basics import Refused, Request, checked
from .plain import read
from .queue import SEPARATOR
from .servers import recorded, state_of

LAUNCH = re.compile(r"[0-9a-f]{18}\Z")
"""Its first eight digits are the time at which it was asked for."""

DAY_SECONDS = 24 * 3600
SWEEP_SECONDS = 60.0
DEEPEST = 50

KEYS = ("server-key.pem", "server-certificate.pem", "server-client.pem")
WRITTEN = ("claim.json", "intent", "job", "run", "ended")
RECORDS = KEYS + WRITTEN + tuple(name + ".new" for name in WRITTEN)
RECORDS += ("submit.lock", "job.log", "login.env", "ca-bundle.pem", "content.bundle")
LOGIN = "login"
"""HOME of the shell that is asked for its environment, before anybody works here."""

LOGS = "-logs"
"""What the folder with the logs of workers' nodes is called, after the one of their submission."""

NODE_LOG = re.compile(r"(?:job|node-[0-9]+)\.log\Z")
NODE_SIGN = re.compile(r"end-is-near-[0-9]+\Z")

HOME = "home"
SCAFFOLD = (HOME, "view", "end-is-near")
CACHES = (
    ".cache",
    ".config/matplotlib",
    ".ipython/profile_default/db",
    ".ipython/profile_default/log",
    ".ipython/profile_default/pid",
    ".ipython/profile_default/security",
    ".ipython/profile_default/startup/README",
    ".jupyter/lab/workspaces",
    ".jupyter/migrated",
    ".local/share/jupyter/file_id_manager.db",
    ".local/share/jupyter/nbsignatures.db",
    ".local/share/jupyter/notebook_secret",
    ".local/share/jupyter/runtime",
)
"""What programs make again, below HOME."""


def clear_keys(request: Request) -> Dict[str, Any]:
    """Remove the keys of a launch whose server has ended."""
    with opened(request["directory"]) as folder:
        removed = [name for name in KEYS if unlink(name, folder)]
    return {"removed": len(removed)}


def sweep(request: Request) -> Dict[str, Any]:
    """Remove what is ours of the launches below a folder that were over so many days ago; how many
    left nothing else. What takes too long is gone on with later."""
    deadline = time.monotonic() + SWEEP_SECONDS
    before = time.time() - request["days"] * DAY_SECONDS
    gone = 0
    with opened(request["root"]) as root:
        old = [name for name in sorted(os.listdir(root)) if is_old(name, root, before)]
        paths = {name: os.path.join(request["root"], name) for name in old}
        submitted = any(os.path.lexists(os.path.join(path, "intent")) for path in paths.values())
        living = in_queue(request) if submitted else set()
        for name in old:
            if time.monotonic() < deadline and not may_live(paths[name], living):
                gone += remove_launch(name, root, deadline)
    return {"gone": gone}


def is_old(name: str, root: int, before: float) -> bool:
    """Whether it is a launch's folder in which nothing has changed since then."""
    if not LAUNCH.match(name) or int(name[:8], 16) >= before:
        return False
    try:
        with opened(name, root) as folder:
            times = [os.fstat(folder).st_mtime]
            times += [os.lstat(each, dir_fd=folder).st_mtime for each in os.listdir(folder)]
    except (OSError, Refused):
        return False
    return max(times) < before


def in_queue(request: Request) -> Set[str]:
    """The caller's jobs that the controller has: their numbers, and the folders that they work in.
    Where one of hers makes up rows, nothing can be told of any."""
    pattern = SEPARATOR.join(("%A", "%Z"))
    command = ["squeue", "--noheader", "--states=all", "--user=%d" % os.getuid()]
    out = checked(request, command + ["--format=" + pattern])
    rows = [line.split(SEPARATOR) for line in out.split("\n") if line]
    if any(len(row) != 2 or not row[0].isdigit() for row in rows):
        raise Refused("slurm", "squeue printed what is no job")
    return {cell for row in rows for cell in row}


def may_live(path: str, living: Set[str]) -> bool:
    """Whether its job waits or runs, or its server could still do so on a login node: which of
    them that is, only that one can tell."""
    try:
        if path in living or read(os.path.join(path, "job")) in living:
            return True
        run = recorded(path)
        if run is None or read(os.path.join(path, "ended")):
            return False
        return state_of(dict(run, uid=os.getuid())) not in ("gone", "restarted")
    except (OSError, KeyError, Refused):
        return True


def remove_launch(name: str, root: int, deadline: float) -> bool:
    """Remove what is ours of it; whether nothing else was there."""
    tried(remove_logs, name + LOGS, root)
    with opened(name, root) as folder:
        for each in RECORDS:
            tried(unlink, each, folder)
        for each in CACHES:
            tried(remove_below, os.path.join(HOME, each), folder, deadline)
        tried(remove, LOGIN, folder, deadline)
        signs = [each for each in os.listdir(folder) if NODE_SIGN.match(each)]
        for each in (*SCAFFOLD, *signs):
            tried(prune, each, folder, deadline)
    return tried(os.rmdir, name, dir_fd=root)


def remove_logs(name: str, root: int) -> None:
    """Remove what Slurm wrote there."""
    with opened(name, root) as folder:
        for each in os.listdir(folder):
            if NODE_LOG.match(each):
                unlink(each, folder)
    os.rmdir(name, dir_fd=root)


def tried(removal: Callable[..., Any], *arguments: Any, **options: Any) -> bool:
    """What cannot be removed stays, and keeps nothing else from going."""
    try:
        removal(*arguments, **options)
    except (OSError, Refused):
        return False
    return True


def remove_below(path: str, within: int, deadline: float) -> None:
    """Remove what is there, if only real folders lead to it."""
    first, _, rest = path.partition("/")
    if not rest:
        remove(first, within, deadline)
    elif is_folder(first, within):
        with opened(first, within) as folder:
            remove_below(rest, folder, deadline)


def remove(name: str, within: int, deadline: float, depth: int = 0) -> None:
    """Remove a file, a link, or a folder with all that is in it."""
    if not is_folder(name, within):
        unlink(name, within)
        return
    with opened(name, within) as folder:
        for each in entries(folder, deadline, depth):
            remove(each, folder, deadline, depth + 1)
    os.rmdir(name, dir_fd=within)


def prune(name: str, within: int, deadline: float, depth: int = 0) -> bool:
    """Remove the folders in it without a file, and it if it is one; whether it was."""
    if not is_folder(name, within):
        return False
    with opened(name, within) as folder:
        inside = entries(folder, deadline, depth)
        kept = [each for each in inside if not prune(each, folder, deadline, depth + 1)]
    if not kept:
        os.rmdir(name, dir_fd=within)
    return not kept


def entries(folder: int, deadline: float, depth: int) -> List[str]:
    """What is in a folder that is not too deep, as long as there is time."""
    if depth > DEEPEST or time.monotonic() > deadline:
        raise Refused("storage", "there is too much in this launch's folder")
    return os.listdir(folder)


def is_folder(name: str, within: int) -> bool:
    try:
        return stat.S_ISDIR(os.lstat(name, dir_fd=within).st_mode)
    except FileNotFoundError:
        return False


def unlink(name: str, within: int) -> bool:
    """Whether there was such a file or link."""
    try:
        os.unlink(name, dir_fd=within)
    except FileNotFoundError:
        return False
    return True


@contextmanager
def opened(name: str, within: int = -1) -> Iterator[int]:
    """A descriptor of a real folder."""
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
    folder = os.open(name, flags, dir_fd=None if within < 0 else within)
    try:
        yield folder
    finally:
        os.close(folder)
