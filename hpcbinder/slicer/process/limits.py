"""The reading process's memory: what was configured, and never most of what the job has."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")
SHARE = 0.5
"""Of the memory that the job or container has: kernels need the rest."""
LEAST = 256 << 20


def allowed(configured: int, root: Path = CGROUPS, membership: str | None = None) -> int:
    """The bytes that the process may take for its data."""
    limits = [*cgroup_limits(root, membership), _machine()]
    return max(LEAST, min([configured, *(int(limit * SHARE) for limit in limits)]))


def cgroup_limits(root: Path = CGROUPS, membership: str | None = None) -> Iterator[int]:
    """The limits that the kernel puts on this process's group and those around it (v2 and v1)."""
    for line in (membership if membership is not None else _membership()).splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            base, name = root, "memory.max"
        elif "memory" in controllers.split(","):
            base, name = root / "memory", "memory.limit_in_bytes"
        else:
            continue
        group = base / path.strip("/")
        # Inside a container the path may be the host's: then only the root of it is seen.
        for folder in (group, *group.parents):
            if folder == base.parent:
                break
            text = _read(folder / name)
            if text.isdigit():
                yield int(text)


def restrict(nbytes: int) -> None:
    """From here on, allocations beyond it fail here, instead of the kernel killing something.

    The limit is on data and not on addresses: libraries reserve far more of those than they use.
    """
    resource.setrlimit(resource.RLIMIT_DATA, (nbytes, resource.getrlimit(resource.RLIMIT_DATA)[1]))


def _machine() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _membership() -> str:
    return _read(Path("/proc/self/cgroup"))


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError:
        return ""
