"""What Slurm says of a crew's nodes, as a pure function from what was known to what is known now.

What Slurm does not name is as it was: absence is no end. A node that ends while it is wanted is
lost; one that was told to end has only ended.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from ..slurm.jobs import Job, Owned, Stage
from ..slurm.words import duration
from .changes import settled
from .records import Crew, CrewState, Node, NodeState
from .words import ENDED_AS_ASKED, KNOWN_LAST, how_a_node_ended, how_a_node_is

STATES = {
    Stage.PENDING: NodeState.PENDING,
    Stage.RUNNING: NodeState.RUNNING,
    Stage.ENDING: NodeState.ENDING,
    Stage.ENDED: NodeState.ENDED,
}

SHARE_OF_TIME = 0.4
"""Twice that in which a node's work moves away from it."""


@dataclass(frozen=True)
class Told:
    """What was heard of jobs."""

    jobs: Mapping[Owned, Job]
    silence: float = 0.0
    """For how long Slurm has not answered at all, if that is too long; else 0."""

    gone: Collection[tuple[str, int]] = field(default_factory=frozenset)
    """Nodes, by batch and task, that were told to end and of which nobody has heard for long."""


def asked_about(crew: Crew) -> list[Owned]:
    """The jobs whose states are of interest, each once."""
    jobs = {
        crew.batch(node.batch).element(node.task): None
        for node in crew.nodes
        if node.state is not NodeState.ENDED and crew.batch(node.batch).job
    }
    return [Owned(job, crew.user) for job in jobs]


def seen(crew: Crew, told: Told) -> Crew:
    """The crew, after this was heard."""
    batches = {batch.id: batch for batch in crew.batches}
    nodes = []
    for node in crew.nodes:
        batch = batches[node.batch]
        if node.state is NodeState.ENDED or not batch.job:
            nodes.append(node)
        elif (node.batch, node.task) in told.gone:
            nodes.append(_ended(node, crew, ENDED_AS_ASKED))
        elif told.silence:
            nodes.append(_unknown(node, told.silence))
        else:
            job = told.jobs.get(Owned(batch.element(node.task), crew.user))
            nodes.append(_seen(node, crew, job) if job else node)
    return settled(replace(crew, nodes=tuple(nodes)))


def _seen(node: Node, crew: Crew, job: Job) -> Node:
    if job.stage is Stage.ENDED:
        as_asked = node.dropped or crew.state is not CrewState.OPEN
        words = ENDED_AS_ASKED if as_asked else how_a_node_ended(job).sentence
        return _ended(node, crew, words, job)
    state = STATES[job.stage]
    told_to_end = node.cancelled and state in (NodeState.PENDING, NodeState.RUNNING)
    # One that waits again was put back: whoever claimed is gone, and its next run may claim.
    again = job.stage is Stage.PENDING
    return replace(
        node,
        state=NodeState.ENDING if told_to_end else state,
        node=job.node,
        words=how_a_node_is(job),
        expected_start=job.started if again else 0,
        started=0 if again else job.started,
        ends=0 if again else job.ends,
        claimant="" if again else node.claimant,
        claimed_run=0 if again else node.claimed_run,
    )


def _ended(node: Node, crew: Crew, words: str, job: Job | None = None) -> Node:
    return replace(
        node,
        state=NodeState.ENDED,
        node=(job and job.node) or node.node,
        words=words,
        expected_start=0,
        started=job.started if job else node.started,
        ends=job.ends if job else node.ends,
        cancelled=True,
        lost=not node.dropped and crew.state is CrewState.OPEN,
    )


def _unknown(node: Node, silence: float) -> Node:
    """Nothing newer is known than what was known before; that stays readable."""
    known = node.words.partition(KNOWN_LAST)[2] if node.state is NodeState.UNKNOWN else node.words
    said = f"Slurm has not answered for {duration(silence)}."
    words = f"{said} {KNOWN_LAST}{known}" if known else said
    return replace(node, state=NodeState.UNKNOWN, words=words)


def ends_soon(node: Node, now: float, ahead: float) -> bool:
    """Whether its time is up before long: by so many seconds, or by a share of a short one, which
    would be replaced as soon as it begins."""
    ahead = min(ahead, SHARE_OF_TIME * (node.ends - node.started))
    return node.state is NodeState.RUNNING and 0 < node.ends < now + ahead
