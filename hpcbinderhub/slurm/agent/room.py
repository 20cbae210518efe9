"""Whether there is room for a launch, before one is submitted that could not write its files."""

import os
from typing import List, Optional, Tuple

from .basics import Refused
from .measure import quota_rows, quota_tables

MIB = 1024 * 1024
LEAST_FILES = 100


def check_room(roots: List[str], free_mb: int, path: List[str]) -> None:
    """Refuse if less than this can be written below one of the directories."""
    for root in roots:
        free, files = left(root, path)
        if free < free_mb * MIB:
            words = "%d MiB are left in %s, and a launch needs %d" % (free // MIB, root, free_mb)
            raise Refused("no-room", words)
        if files is not None and files < LEAST_FILES:
            words = "%d more files can be made in %s, and a launch needs %d"
            raise Refused("no-room", words % (files, root, LEAST_FILES))


def left(directory: str, path: List[str]) -> Tuple[int, Optional[int]]:
    """Bytes and files that the user may still write there; None for files without a limit."""
    while not os.path.isdir(directory):
        directory = os.path.dirname(directory)
    whole = os.statvfs(directory)
    free = whole.f_bavail * whole.f_frsize
    files = [whole.f_favail] if whole.f_files else []
    for table in quota_tables(directory, path):
        for row in quota_rows(table):
            if row.limit:
                free = min(free, max(0, row.limit - row.used))
            if row.most_files:
                files.append(max(0, row.most_files - row.files))
    return free, min(files) if files else None
