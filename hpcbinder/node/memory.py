"""How much memory a node's workers may use."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

MIB = 2**20


def limit(env: Mapping[str, str], root: Path = Path("/")) -> int:
    """Bytes that the job may use on this node: the least of what the kernel and Slurm say."""
    return min([_machine(root), *_cgroups(root), *_slurm(env)])


def _machine(root: Path) -> int:
    for line in (root / "proc/meminfo").read_text().splitlines():
        if line.startswith("MemTotal:"):
            return int(line.split()[1]) * 1024
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _cgroups(root: Path) -> Iterator[int]:
    """The limits of our cgroup and of all above it, in either version."""
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if not controllers:
            top, file = root / "sys/fs/cgroup", "memory.max"
        elif "memory" in controllers.split(","):
            top, file = root / "sys/fs/cgroup/memory", "memory.limit_in_bytes"
        else:
            continue
        place = top / path.lstrip("/")
        # In a container, the path may be the host's, and only what is above it be seen.
        for folder in (place, *place.parents):
            if folder != top and top not in folder.parents:
                break
            try:
                found = (folder / file).read_text().strip()
            except OSError:
                continue
            if found.isdecimal():
                yield int(found)


def _slurm(env: Mapping[str, str]) -> Iterator[int]:
    """What was asked for, where no cgroup holds the job to it."""
    per_node = env.get("SLURM_MEM_PER_NODE", "")
    per_cpu, cpus = env.get("SLURM_MEM_PER_CPU", ""), env.get("SLURM_CPUS_ON_NODE", "")
    # 0 stands for all that the node has.
    if per_node.isdecimal() and int(per_node):
        yield int(per_node) * MIB
    elif per_cpu.isdecimal() and cpus.isdecimal() and int(per_cpu):
        yield int(per_cpu) * int(cpus) * MIB
