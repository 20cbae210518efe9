"""Where a crew has its socket and its log on this node: a folder that nobody else can enter.

The Jupyter server makes one for all crews, so that it finds their dashboards; its kernels inherit
the variable. Where there is no such server, each crew has one of its own. It is never on shared
storage, where sockets do not work.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

VARIABLE = "HPCBINDER_WORKERS_FOLDER"
DASHBOARD = "dashboard.sock"
LOG = "scheduler.log"
USED = "used"
"""A file whose time of change says when something last ran."""


def folder_for_all() -> Path:
    """A new one; its name cannot be guessed beforehand. The path of a socket has at most 107
    bytes, of which a crew's name and the socket's need half."""
    short = len(os.fsencode(tempfile.gettempdir())) <= 30
    return Path(tempfile.mkdtemp(prefix="hpcbinder-", dir=None if short else "/tmp"))


def folder_for_one() -> Path:
    """A new one for a crew that may yet be refused."""
    parent = os.environ.get(VARIABLE)
    if not parent or not os.path.isdir(parent):
        return folder_for_all()
    return Path(tempfile.mkdtemp(prefix=".", dir=parent))


def named(folder: Path, name: str) -> Path:
    """The same, where the Jupyter server looks for a crew of that name. There is no other of this
    name now, but maybe the folder of one that has ended without tidying up."""
    parent = os.environ.get(VARIABLE)
    if not parent or folder.parent != Path(parent):
        return folder
    own = folder.with_name(name)
    shutil.rmtree(own, ignore_errors=True)
    return folder.rename(own)


def used(parent: Path) -> Iterator[float]:
    """When something last ran, by this node's clock, for each crew below `parent`."""
    for mark in parent.glob(f"*/{USED}"):
        try:
            yield mark.stat().st_mtime
        except OSError:
            continue
