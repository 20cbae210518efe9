"""Open HDF5 files: as few as are used, and as new as they are on disk."""

from __future__ import annotations

import os
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import h5py

from ..errors import Refusal
from .shared import Shared

RECENT = 10.0
"""Seconds after its last change for which a file counts as being written."""
TICK = 0.1
"""Seconds within which a file may be written twice and look the same. Where a file system's clock
is coarser, what was read is at least looked at again when the file is no longer recent."""


@dataclass(frozen=True)
class Stamp:
    """Differs whenever the file was written or replaced."""

    device: int
    inode: int
    size: int
    mtime_ns: int

    @classmethod
    def of(cls, path: str) -> Stamp:
        """The stamp of what is at a path now."""
        found = os.stat(path)
        return cls(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)

    @property
    def age(self) -> float:
        """Seconds since the file was changed, by this machine's clock and the file system's."""
        return max(0.0, time.time() - self.mtime_ns / 1e9)


class OpenFile:
    """Whoever uses `h5` or what came from it does so within `using`: else it may be closed."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.readers: dict[str, Any] = {}
        """What reads its data sets; gone when the file has changed."""
        self._users = Shared()
        self._open(None)

    @property
    def live(self) -> bool:
        """Whether somebody writes it, as far as can be told."""
        return self.swmr or time.monotonic() - self._written < RECENT

    @property
    def doubtful(self) -> float:
        """For how many seconds yet a change may look like none."""
        return max(0.0, self._written + TICK - time.monotonic())

    @contextmanager
    def using(self) -> Iterator[OpenFile]:
        """The file is neither closed nor opened anew meanwhile; may be nested."""
        with self._users.shared():
            yield self

    def refresh(self) -> bool:
        """Look again at what is on disk; True if something has changed."""
        try:
            now = Stamp.of(self.path)
        except OSError as error:
            raise _refused(self.path, error) from error
        # One that could not be opened anew is closed, and tried again.
        if self._is_still(now):
            return False
        with self._users.alone() as alone:
            # Somebody reads for long: what is open goes on being shown, and the next look is soon.
            if not alone:
                return False
            if self._is_still(now):
                return True
            self._close()
            self._open(self.stamp)
        return True

    def _is_still(self, now: Stamp) -> bool:
        """Whether what is open is what is on disk. Just after a change nobody can know: so some
        time later the file is opened once more, though it looks the same."""
        age, older = self._opened - self._written, time.monotonic() - self._written
        too_soon = any(age < seconds <= older for seconds in (TICK, RECENT))
        return now == self.stamp and bool(self.h5) and not too_soon

    def close(self) -> None:
        """When nobody uses it any more."""
        self._users.at_last(self._close)

    def _open(self, before: Stamp | None) -> None:
        self._opened = time.monotonic()
        try:
            self.stamp = Stamp.of(self.path)
            if self.stamp != before:
                self._written = self._opened - _age(self.stamp, before)
            self.h5, self.swmr = _opened(self.path)
        except OSError as error:
            raise _refused(self.path, error) from error
        # Of the very file that HDF5 has open, whatever is at its path by now.
        self.fd = os.dup(self.h5.id.get_vfd_handle())

    def _close(self) -> None:
        self.readers.clear()
        if self.h5:
            self.h5.close()
            os.close(self.fd)


class Files:
    """All files that are open; those that were used longest ago are closed first."""

    def __init__(self, limit: int = 64) -> None:
        self._limit = limit
        self._open: OrderedDict[str, OpenFile] = OrderedDict()
        self._lock = threading.Lock()

    def open(self, path: str) -> OpenFile:
        """A file by its real path, which was allowed before; as it is on disk now."""
        with self._lock:
            file = self._open.get(path)
            if file is not None:
                self._open.move_to_end(path)
        if file is not None:
            file.refresh()
            return file
        file = OpenFile(path)
        with self._lock:
            other = self._open.setdefault(path, file)
            oldest = [] if len(self._open) <= self._limit else [self._open.popitem(last=False)[1]]
        for closed in oldest if other is file else [*oldest, file]:
            closed.close()
        return other

    def close(self) -> None:
        """All of them."""
        with self._lock:
            files = list(self._open.values())
            self._open.clear()
        for file in files:
            file.close()


def _age(stamp: Stamp, before: Stamp | None) -> float:
    """Seconds since the last change. A file system's clock may be another one than ours, and is not
    asked about a change that was seen."""
    if before is not None and (stamp.device, stamp.inode) == (before.device, before.inode):
        return 0.0
    return stamp.age


def _opened(path: str) -> tuple[h5py.File, bool]:
    """Whoever writes need not know that we read: nothing is locked."""
    try:
        return h5py.File(path, "r", locking=False), False
    except OSError as error:
        # A writer that has announced itself can be followed if it writes for readers (SWMR).
        if "already open for write" not in str(error):
            raise
        return h5py.File(path, "r", swmr=True, locking=False), True


def _refused(path: str, error: OSError) -> Refusal:
    name = os.path.basename(path)
    if isinstance(error, FileNotFoundError):
        return Refusal(404, f"There is no file {name}.", "It may have been moved.", "missing")
    if isinstance(error, PermissionError):
        return Refusal(403, f"You may not read {name}.", "Ask its owner.", "permission")
    if "open for" in str(error) and "writ" in str(error):
        return Refusal(
            503,
            f"{name} is being written by a program that lets nobody read meanwhile ({error}).",
            "It is tried again; writers can let others read with HDF5's SWMR mode.",
            "busy",
        )
    return Refusal(
        422, f"HDF5 cannot open {name}: {error}", "Is it complete, and an HDF5 file?", "unreadable"
    )
