"""Memory of pieces goes back to the system as soon as they are dropped."""

from __future__ import annotations

import contextlib
import ctypes

M_MMAP_THRESHOLD = -3
LARGE = 1 << 19
"""Bytes from which on memory is a mapping of its own; glibc would raise this by itself to 32 MB."""


def give_back() -> None:
    """For the whole process; other C libraries than glibc know no such thing."""
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).mallopt(M_MMAP_THRESHOLD, LARGE)
