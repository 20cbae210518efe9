"""The disk limit of one build."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from hpcbinderhub.builds import processes
from hpcbinderhub.builds.request import Storage

INODE = 1024
"""What a file takes up by being there; a disk is full as well when it can hold no more files."""


def used(folder: Path) -> int:
    """Bytes on disk below a folder, or of a file; what vanishes meanwhile is not counted."""
    total = folder.lstat().st_blocks * 512 if folder.is_file() else 0
    try:
        for _folder, _folders, files, handle in os.fwalk(folder):
            for name in files:
                with contextlib.suppress(OSError):
                    found = os.stat(name, dir_fd=handle, follow_symlinks=False)
                    total += found.st_blocks * 512 + INODE
    except (FileNotFoundError, NotADirectoryError):
        return total
    return total


def unnamed(holders: Iterable[int]) -> int:
    """Bytes on disk of files that have no name any more, and that processes hold open."""
    sizes: dict[tuple[int, int], int] = {}
    for process in holders:
        with contextlib.suppress(OSError):
            for entry in os.scandir(f"/proc/{process}/fd"):
                with contextlib.suppress(OSError):
                    name = os.readlink(entry.path)
                    # What is in memory only is not on disk.
                    if name.endswith(" (deleted)") and not name.startswith(("/memfd:", "/dev/")):
                        found = os.stat(entry.path)
                        sizes[found.st_dev, found.st_ino] = found.st_blocks * 512
    return sum(sizes.values())


def free(folders: Iterable[Path]) -> int:
    """Free bytes of the file systems that hold some folders."""
    systems = {folder.stat().st_dev: os.statvfs(folder) for folder in folders}
    return sum(system.f_bavail * system.f_frsize for system in systems.values())


@dataclass(frozen=True)
class Growth:
    """Where a builder's storage grows with a build."""

    entries: tuple[tuple[Path, str], ...] = ()
    """Folders of which every new entry is the build's own, and what of an entry counts: the rest
    of it may be a view of others."""

    whole: tuple[Path, ...] = ()
    """Folders that are the build's own altogether."""


class DiskWatch(threading.Thread):
    """Tells once when what a build has added to its storage passes a limit.

    The storage is the build's alone while it runs, so that every layer that is new is its own.
    Counting walks over all new files; it is done only when the free space says it is worth it.
    """

    def __init__(self, storage: Storage, growth: Growth, limit: int, passed: Callable[[int], None]):
        super().__init__(name="disk-watch", daemon=True)
        self.limit = limit
        self.passed = passed
        self.growth = growth
        self.whole = (*growth.whole, storage.tmp)
        self.places = (storage.graphroot, storage.tmp)
        self.before = self._entries()
        self.room_before = self._room()

    def _entries(self) -> set[Path]:
        return {
            folder / name / part
            for folder, part in self.growth.entries
            if folder.is_dir()
            for name in os.listdir(folder)
        }

    def _room(self) -> int:
        files = {place.stat().st_dev: os.statvfs(place).f_favail for place in self.places}
        return free(self.places) + sum(files.values()) * INODE

    def added(self) -> int:
        """Bytes this build has added so far."""
        named = sum(used(path) for path in (*(self._entries() - self.before), *self.whole))
        return named + unnamed(processes.descendants(os.getpid()))

    def run(self) -> None:
        """Look once a second until the process ends."""
        ticker = threading.Event()
        while not ticker.wait(1.0):
            if self.room_before - self._room() > self.limit / 2:
                added = self.added()
                if added > self.limit:
                    self.passed(added)
                    return
