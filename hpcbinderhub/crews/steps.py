"""What is to be done for a crew next, at the cluster: a pure function of its record."""

from __future__ import annotations

from dataclasses import dataclass

from .records import Batch, BatchState, Crew, Node, NodeState


@dataclass(frozen=True)
class Submit:
    """Submit a batch, or hear again of a submission whose answer was lost."""

    batch: Batch


@dataclass(frozen=True)
class Find:
    """Look whether Slurm has a batch that nobody wants any more."""

    batch: Batch


@dataclass(frozen=True)
class Cancel:
    """Have these jobs end, in one request."""

    jobs: tuple[str, ...]
    nodes: frozenset[tuple[str, int]]
    """Which nodes that ends, by batch and task."""


def next_step(crew: Crew) -> Submit | Find | Cancel | None:
    """One thing, or None. What is not wanted goes first: it may make room for what is."""
    cancel = _cancel(crew)
    if cancel:
        return cancel
    wanted = {node.batch for node in crew.working}
    for batch in crew.batches:
        if batch.state in (BatchState.NEW, BatchState.BEGUN) and batch.id in wanted:
            return Submit(batch)
        if batch.state is BatchState.BEGUN:
            return Find(batch)
    return None


def _cancel(crew: Crew) -> Cancel | None:
    jobs: list[str] = []
    ended: set[tuple[str, int]] = set()
    for batch in crew.batches:
        if batch.state is not BatchState.SUBMITTED:
            continue
        left = [n for n in crew.nodes if n.batch == batch.id and n.state is not NodeState.ENDED]
        gone = [node for node in left if node.dropped and not node.cancelled]
        if gone:
            named, nodes = _named(batch, left, gone)
            jobs += named
            ended |= {(node.batch, node.task) for node in nodes}
    return Cancel(tuple(jobs), frozenset(ended)) if jobs else None


def _named(batch: Batch, left: list[Node], gone: list[Node]) -> tuple[list[str], list[Node]]:
    """What Slurm is told of a batch, and which nodes that ends: all of it in one word; and of one
    job of several nodes nothing less."""
    if all(node.dropped for node in left):
        return [batch.job], left
    if batch.form == "array":
        return [batch.element(node.task) for node in gone], gone
    return [], []
