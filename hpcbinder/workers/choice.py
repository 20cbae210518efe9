"""Which nodes go when there shall be fewer: pure rules over a picture of the crew."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from .crew import Crew, Node


def node_of(worker: str) -> str:
    """The node of a worker, by the worker's name."""
    return worker.rpartition("-")[0]


def names(crew: Crew) -> set[str]:
    """The workers that there are or will be."""
    return {f"{node.id}-{i}" for node in crew.alive() for i in range(size(crew, node))}


def size(crew: Crew, node: Node) -> int:
    """How many workers a node has."""
    return node.workers or crew.per_node


def nodes_for(crew: Crew, workers: float) -> int:
    """How many nodes so many workers need."""
    return math.ceil(workers / crew.per_node)


def loads(crew: Crew, processing: Mapping[str, Iterable[str]]) -> dict[str, int]:
    """How many tasks each node has, given those of each worker by its name; -1 if it has no
    worker yet."""
    found = {node.id: -1 for node in crew.alive()}
    for worker, tasks in processing.items():
        node = node_of(worker)
        if node in found:
            found[node] = max(found[node], 0) + len(list(tasks))
    return found


def surplus(crew: Crew, workers: int, load: Mapping[str, int], idle_only: bool) -> list[str]:
    """The nodes without which there are still so many workers: those first that do least."""
    have = sum(size(crew, node) for node in crew.alive())
    chosen = []
    # Of equal ones, the latest.
    nodes = crew.alive()
    nodes.reverse()
    for node in sorted(nodes, key=lambda node: load.get(node.id, -1)):
        if idle_only and load.get(node.id, -1) > 0:
            break
        if have - size(crew, node) >= workers:
            have -= size(crew, node)
            chosen.append(node.id)
    return chosen
