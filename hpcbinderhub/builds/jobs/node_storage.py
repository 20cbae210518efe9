"""A builder's storage on a compute node: made for one job, and gone with it."""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .. import commands
from ..workplace import storage

PREFIX = "hpcbinder-builder-"
LOCK = "lock"


@contextmanager
def own_storage(parent: Path) -> Iterator[Path]:
    """A folder that is held by a lock as long as it is used, and then removed. What earlier jobs
    left on this node that were killed goes first."""
    remove_leftovers(parent)
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
    with (folder / LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            yield folder
        finally:
            remove(folder)


def remove_leftovers(parent: Path) -> None:
    """Remove folders of this account that nobody holds."""
    for folder in parent.glob(f"{PREFIX}*"):
        status = folder.lstat()
        if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid():
            continue
        with suppress(OSError), (folder / LOCK).open("r+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            remove(folder)


def remove(folder: Path) -> None:
    """Remove a storage: most of what lies in it belongs to the builder's subordinate users, and
    only in its user namespace to the builder."""
    where = storage(folder)
    kept = [where.graphroot, where.tmp, folder / "work"]
    empty = commands.inside(where, "rm", "-rf", "--", *map(str, kept))
    # Without Buildah on the node, all of it is the account's own.
    with suppress(FileNotFoundError):
        subprocess.run(empty, env=commands.environment(where), cwd="/", capture_output=True)
    shutil.rmtree(folder, ignore_errors=True)
