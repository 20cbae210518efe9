"""Limits by the kernel's control groups (version 2), where the account has one of its own.

A systemd unit has with `Delegate=yes`. The kernel lets processes be only in the last groups of a
tree, so the worker moves into one itself before it makes others beside it for builds.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from hpcbinderhub.builds.request import Limits

CONTROLLERS = frozenset({"memory", "pids"})
WORKER = "worker"


def delegated(own: str | None = None, mounted: Path = Path("/sys/fs/cgroup")) -> Path | None:
    """The group that this process may divide further; ``own`` is the text of /proc/self/cgroup."""
    text = own if own is not None else Path("/proc/self/cgroup").read_text("utf-8")
    relative = next((line[4:] for line in text.splitlines() if line.startswith("0::/")), None)
    if relative is None:
        return None
    group = mounted / relative
    if group.name == WORKER:
        group = group.parent
    try:
        offered = set((group / "cgroup.controllers").read_text("utf-8").split())
    except OSError:
        return None
    writable = os.access(group, os.W_OK) and os.access(group / "cgroup.procs", os.W_OK)
    return group if offered >= CONTROLLERS and writable else None


def divide(group: Path) -> bool:
    """Move this process aside so that the group can hold others; whether that worked."""
    try:
        aside = group / WORKER
        aside.mkdir(exist_ok=True)
        (aside / "cgroup.procs").write_text("0")
        wanted = " ".join(f"+{name}" for name in sorted(CONTROLLERS))
        (group / "cgroup.subtree_control").write_text(wanted)
    except OSError:
        return False
    return True


@contextlib.contextmanager
def of_build(parent: Path | None, name: str, limits: Limits) -> Iterator[Path | None]:
    """A group for one build's steps, which is empty and gone afterwards.

    ``name`` is the same for all builds of one storage, so that what a killed one left is found.
    """
    if parent is None:
        yield None
        return
    group = parent / name
    remove(group)
    group.mkdir()
    for file, value in settings(limits).items():
        # Where swap is not accounted for, there is no file for it.
        if file != "memory.swap.max" or (group / file).exists():
            (group / file).write_text(value)
    try:
        yield group
    finally:
        remove(group)


def settings(limits: Limits) -> dict[str, str]:
    """What the kernel is told of a group: files of it, and what they hold."""
    return {
        "memory.max": str(limits.memory_bytes),
        "memory.swap.max": "0",
        # One process of a step killed for memory would be a step that goes on without it.
        "memory.oom.group": "1",
        "pids.max": str(limits.processes),
    }


def passed(group: Path) -> Literal["memory", "processes"] | None:
    """Which of its limits a group has run into so far."""
    if _count(group / "memory.events", "oom_kill"):
        return "memory"
    if _count(group / "pids.events", "max"):
        return "processes"
    return None


def _count(file: Path, name: str) -> int:
    try:
        lines = file.read_text("utf-8").splitlines()
    except OSError:
        return 0
    counts = dict(line.split() for line in lines)
    return int(counts.get(name, 0))


def remove(group: Path) -> None:
    """Kill what is in a group and remove it, with the groups that were made in it."""
    if not group.is_dir():
        return
    with contextlib.suppress(OSError):
        (group / "cgroup.kill").write_text("1")
    for _ in range(50):
        for folder, _folders, _files in os.walk(group, topdown=False):
            with contextlib.suppress(OSError):
                os.rmdir(folder)
        if not group.exists():
            return
        time.sleep(0.02)
