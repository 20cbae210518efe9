"""`python slow.py SOURCE MOUNTPOINT SECONDS`: a directory as shared storage would show it.

Every request that the kernel has to make takes so many seconds more. What the kernel remembers
costs nothing, as on a node whose client caches what it has seen. Until it is unmounted; then what
was asked is printed as JSON.
"""

from __future__ import annotations

import errno
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator

from mfusepy import FUSE, FuseOSError, Operations

CACHE_SECONDS = 600


class Slow(Operations):  # type: ignore[misc]
    """A read-only pass-through that counts, and is slow."""

    use_ns = True

    def __init__(self, source: str, latency: float):
        self._source = source
        self._latency = latency
        self.asked: Counter[str] = Counter()

    def _ask(self, what: str, path: str) -> str:
        self.asked[what] += 1
        time.sleep(self._latency)
        return self._source + path

    def getattr(self, path: str, fh: int | None = None) -> dict[str, int]:
        """Also how the kernel looks a name up."""
        try:
            found = os.lstat(self._ask("lookups", path))
        except OSError as error:
            raise FuseOSError(error.errno or errno.EIO) from None
        times = {f"st_{name}time": getattr(found, f"st_{name}time_ns") for name in "amc"}
        names = ("st_mode", "st_nlink", "st_uid", "st_gid", "st_size", "st_ino", "st_blocks")
        return {name: getattr(found, name) for name in names} | times

    def readdir(self, path: str, fh: int) -> Iterator[str]:
        """The names of a directory."""
        yield from (".", "..", *os.listdir(self._ask("listings", path)))

    def readlink(self, path: str) -> str:
        """Where a link leads."""
        return os.readlink(self._ask("lookups", path))

    def open(self, path: str, flags: int) -> int:
        """What is not asked for again while the file stays open."""
        return os.open(self._ask("opens", path), os.O_RDONLY)

    def read(self, path: str, size: int, offset: int, fh: int) -> bytes:
        """A piece of a file."""
        self._ask("reads", path)
        return os.pread(fh, size, offset)

    def release(self, path: str, fh: int) -> int:
        """Told without waiting for an answer."""
        os.close(fh)
        return 0


def main(source: str, mountpoint: str, latency: str) -> None:
    """Serve until unmounted."""
    slow = Slow(os.path.realpath(source), float(latency))
    timeouts = dict.fromkeys(("entry_timeout", "attr_timeout", "negative_timeout"), CACHE_SECONDS)
    # One thread: libfuse would cancel others at the end, in the middle of Python.
    how = {"foreground": True, "nothreads": True, "ro": True, "kernel_cache": True}
    FUSE(slow, mountpoint, **how, **timeouts)
    print(json.dumps(slow.asked), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
