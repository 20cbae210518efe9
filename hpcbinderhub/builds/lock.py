"""One storage serves one build at a time: what lies in it belongs to that build or to nobody."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

from hpcbinderhub.builds.request import Storage

LOCK = "storage.lock"
"""The lock's file, in the storage's folder of temporary files."""


@contextmanager
def exclusive(storage: Storage) -> Iterator[None]:
    """Hold a storage; waits until whoever has it is done or dead."""
    handle = os.open(storage.tmp / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
