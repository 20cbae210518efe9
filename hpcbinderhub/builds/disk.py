"""The disk limit of one build."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterable
from pathlib import Path

from hpcbinderhub.builds.request import Storage


def used(folder: Path) -> int:
    """Bytes on disk below a folder; what vanishes meanwhile is not counted."""
    total = 0
    try:
        for _folder, _folders, files, handle in os.fwalk(folder):
            for name in files:
                with contextlib.suppress(OSError):
                    total += os.stat(name, dir_fd=handle, follow_symlinks=False).st_blocks * 512
    except FileNotFoundError:
        return total
    return total


def free(folders: Iterable[Path]) -> int:
    """Free bytes of the file systems that hold some folders."""
    systems = {folder.stat().st_dev: os.statvfs(folder) for folder in folders}
    return sum(system.f_bavail * system.f_frsize for system in systems.values())


class DiskWatch(threading.Thread):
    """Tells once when what a build has added to its storage passes a limit.

    The storage is the build's alone while it runs, so that every layer that is new is its own.
    Counting walks over all new files; it is done only when the free space says it is worth it.
    """

    def __init__(self, storage: Storage, limit: int, passed: Callable[[int], None]):
        super().__init__(name="disk-watch", daemon=True)
        self.limit = limit
        self.passed = passed
        self.layers = storage.graphroot / "overlay"
        self.tmp = storage.tmp
        self.before = self._layers()
        self.free_before = free((self.layers, self.tmp))

    def _layers(self) -> set[str]:
        self.layers.mkdir(parents=True, exist_ok=True)
        return set(os.listdir(self.layers))

    def added(self) -> int:
        """Bytes this build has added so far."""
        new = [self.layers / name / "diff" for name in self._layers() - self.before]
        # What a step writes to a volume under an overlay lies beside its container's own files.
        containers = self.layers.with_name("overlay-containers")
        return sum(used(folder) for folder in [*new, containers, self.tmp])

    def run(self) -> None:
        """Look once a second until the process ends."""
        ticker = threading.Event()
        while not ticker.wait(1.0):
            if self.free_before - free((self.layers, self.tmp)) > self.limit / 2:
                added = self.added()
                if added > self.limit:
                    self.passed(added)
                    return
