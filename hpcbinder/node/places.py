"""Where each worker of a node runs: on which CPUs, with which GPU."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

# Which of the job's GPUs a program sees.
GPU_LISTS = (
    "CUDA_VISIBLE_DEVICES",
    "ROCR_VISIBLE_DEVICES",
    "HIP_VISIBLE_DEVICES",
    "ZE_AFFINITY_MASK",
    "GPU_DEVICE_ORDINAL",
)
NUMA = Path("/sys/devices/system/node")


class Place(NamedTuple):
    """What is a worker's own."""

    name: str
    cpus: frozenset[int]
    """Empty: all that the job has."""
    env: dict[str, str]
    resources: dict[str, float]


def places(
    node: str, workers: int, threads: int, gpus: int, cpus: set[int], env: Mapping[str, str]
) -> list[Place]:
    """A place for every worker."""
    pinned = pinning(workers, threads, cpus, numa_nodes())
    devices = gpu_variables(workers, gpus, env)
    resources = {"GPU": 1.0} if gpus else {}
    return [
        Place(f"{node}-{index}", frozenset(pinned[index]), devices[index], resources)
        for index in range(workers)
    ]


def numa_nodes(root: Path = NUMA) -> list[set[int]]:
    """The CPUs of each NUMA node."""
    found = []
    for folder in sorted(root.glob("node[0-9]*"), key=lambda path: int(path.name[4:])):
        try:
            found.append(cpu_list((folder / "cpulist").read_text()))
        except (OSError, ValueError):
            continue
    return found


def cpu_list(text: str) -> set[int]:
    """`0-3,8` as numbers."""
    found: set[int] = set()
    for part in filter(None, text.strip().split(",")):
        first, _, last = part.partition("-")
        found |= set(range(int(first), int(last or first) + 1))
    return found


def pinning(workers: int, threads: int, cpus: set[int], nodes: list[set[int]]) -> list[set[int]]:
    """The CPUs of each worker: those of one NUMA node, if the job has several and a worker fits.

    A worker may use all that the job has of its node: the kernel does the rest better than we do.
    """
    rooms = [node & cpus for node in nodes if node & cpus]
    if len(rooms) < 2 or any(len(room) < threads for room in rooms):
        return [set() for _ in range(workers)]
    given = [0] * len(rooms)
    pinned: list[set[int]] = []
    for _ in range(workers):
        # The one that has most CPUs for each of its workers, with this one.
        best = max(range(len(rooms)), key=lambda room: len(rooms[room]) / (given[room] + 1))
        given[best] += 1
        pinned.append(rooms[best])
    # Neighbours by name are neighbours on the node, as their data often are.
    return sorted(pinned, key=rooms.index)


def gpu_variables(workers: int, gpus: int, env: Mapping[str, str]) -> list[dict[str, str]]:
    """What tells each worker which of the job's GPUs is its own."""
    lists = {name: env[name].split(",") for name in GPU_LISTS if env.get(name)}
    if gpus and not lists:
        lists = {"CUDA_VISIBLE_DEVICES": [str(index) for index in range(gpus)]}
    if not gpus:
        return [{} for _ in range(workers)]
    return [
        {name: devices[index % len(devices)] for name, devices in lists.items()}
        for index in range(workers)
    ]
