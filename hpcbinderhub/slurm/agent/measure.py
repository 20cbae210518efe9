"""How much room is taken, and how much there is; both within bounds of time."""

import os
import pwd
import subprocess
import time
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Set, Tuple

from .basics import Refused, find_program

QUOTA_SECONDS = 10
KIB = 1024


class QuotaRow(NamedTuple):
    """Of one file system: bytes and files, and the most that there may be; 0 is no limit."""

    used: int
    limit: int
    files: int
    most_files: int


def measure(directory: str, deadline: float) -> Dict[str, Any]:
    """What a folder takes up, and when something in it changed last: as far as one gets."""
    size, newest = 0, os.lstat(directory).st_mtime
    seen: Set[Tuple[int, int]] = set()
    waiting = [directory]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    if time.monotonic() > deadline:
                        return {"size": size, "newest": newest, "whole": False}
                    status = entry.stat(follow_symlinks=False)
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
                    elif status.st_nlink > 1:
                        name = (status.st_dev, status.st_ino)
                        if name in seen:
                            continue
                        seen.add(name)
                    size += status.st_blocks * 512
                    newest = max(newest, status.st_mtime)
        except OSError:
            # Gone meanwhile, or closed to its own user: it counts for nothing.
            continue
    return {"size": size, "newest": newest, "whole": True}


def storage(directory: str, path: List[str]) -> Optional[Dict[str, Any]]:
    """What may be used where `directory` is, and what is: the user's quota if the file system tells
    one, else the file system as a whole."""
    while not os.path.isdir(directory):
        directory = os.path.dirname(directory)
    for table in quota_tables(directory, path):
        found = parse_quota(table)
        if found:
            return {"used": found[0], "limit": found[1], "personal": True}
    whole = os.statvfs(directory)
    total = whole.f_blocks * whole.f_frsize
    return {"used": total - whole.f_bavail * whole.f_frsize, "limit": total, "personal": False}


def quota_tables(directory: str, path: List[str]) -> Iterator[str]:
    """What is printed about the user's quota on the file system of a directory that is there."""
    user = pwd.getpwuid(os.getuid()).pw_name
    mount = directory
    while not os.path.ismount(mount):
        mount = os.path.dirname(mount)
    yield told(["lfs", "quota", "-q", "-u", user, directory], path)
    yield told(["quota", "-w", "-p", "-f", mount], path)


def told(command: List[str], path: List[str]) -> str:
    """What a command prints; nothing if it is not there or gives no answer."""
    try:
        done = subprocess.run(
            [find_program(command[0], path)] + command[1:],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={"PATH": ":".join(path), "LC_ALL": "C"},
            cwd="/",
            universal_newlines=True,
            timeout=QUOTA_SECONDS,
        )
    except (Refused, OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout


def parse_quota(text: str) -> Optional[Tuple[int, int]]:
    """Bytes that are used and that may be, by the row with the least room left."""
    rows = [(row.used, row.limit) for row in quota_rows(text) if row.limit]
    return min(rows, key=lambda row: row[1] - row[0]) if rows else None


def quota_rows(text: str) -> Iterator[QuotaRow]:
    """The rows of the table that `quota` and `lfs quota` print.

    They have a file system, the KiB used (marked with `*` beyond the quota), the soft and the hard
    limit, 0 being none, a time of grace, and the same of files.
    """
    for line in text.splitlines():
        cells = [cell.rstrip("*") for cell in line.split()]
        if len(cells) >= 4 and all(cell.isdigit() for cell in cells[1:4]):
            used, soft, hard = (int(cell) * KIB for cell in cells[1:4])
            files = [int(cell) for cell in cells[5:8] if cell.isdigit()]
            if len(files) < 3:
                files = [0, 0, 0]
            yield QuotaRow(used, soft or hard, files[0], files[1] or files[2])
