"""How many workers a node has room for, and what each gets of it: pure functions."""

from __future__ import annotations

from typing import NamedTuple

from ..errors import UserError
from ..profiles import Resources


class Share(NamedTuple):
    """What of a node goes to one worker."""

    per_node: int
    threads: int
    memory_mb: int
    """0 leaves it to the node's own limit."""


def share_of(node: Resources, threads: int) -> Share:
    """A worker for each GPU, where a node has any; else as many as its CPUs have threads for."""
    if threads > node.cpus:
        raise UserError(
            f"A worker of {threads} threads does not fit on a node of {node.cpus} CPUs.",
            "Ask for fewer threads, or for more CPUs.",
        )
    per_node = node.gpus or max(1, node.cpus // threads)
    return Share(per_node, threads, node.memory_mb // per_node)


def spread(workers: int, per_node: int) -> tuple[int, ...]:
    """So many workers on as few nodes as will do: how many on each. The last takes what is left."""
    whole, rest = divmod(workers, per_node)
    return (per_node,) * whole + ((rest,) if rest else ())
