"""A crew as a value: what was asked for, what was submitted for it, and how each node is.

A record outlives every process: a service that was killed goes on where the record says. All that
becomes of one is said by pure functions of it, in `changes` and `sights`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from ..profiles import Choices

Form = Literal["array", "one_job"]
"""What one submission is: an array whose elements are nodes, or one job of several nodes."""


class CrewState(StrEnum):
    """How far a crew has come."""

    OPEN = "open"
    CLOSING = "closing"
    """Over for whoever asked for it, while Slurm has still to end its nodes."""

    CLOSED = "closed"
    FAILED = "failed"
    """Slurm refused it before it had any node."""


LIVE = (CrewState.OPEN, CrewState.CLOSING)
"""States in which somebody has something to do without being asked."""


class NodeState(StrEnum):
    """How a node of a crew is."""

    SUBMITTING = "submitting"
    """Slurm has still to hear of it."""

    PENDING = "pending"
    RUNNING = "running"
    ENDING = "ending"
    ENDED = "ended"
    UNKNOWN = "unknown"
    """Slurm cannot be asked, or does not name it; `words` has what was known last."""


@dataclass(frozen=True, kw_only=True)
class Node:
    """One element of an array, or one node of a job of several. Times are seconds since the epoch;
    0 is none."""

    batch: str
    task: int
    workers: int
    """How many run on it."""

    state: NodeState = NodeState.SUBMITTING
    node: str = ""
    words: str = ""
    expected_start: float = 0
    started: float = 0
    ends: float = 0
    claimant: str = ""
    """The digest of what the launcher that has claimed calls itself."""

    claimed_run: float = 0
    """When its element had started then: one that was put back starts again."""

    dropped: bool = False
    """Whether it is not wanted any more."""

    cancelled: bool = False
    """Whether Slurm has heard that."""

    lost: bool = False
    """Whether it ended while it was wanted."""

    @property
    def wanted(self) -> bool:
        """Whether it works for the crew, or will."""
        return not self.dropped and self.state is not NodeState.ENDED

    @property
    def waits(self) -> bool:
        """Whether it is wanted, and has yet to start."""
        return self.wanted and self.state in (NodeState.SUBMITTING, NodeState.PENDING)


class BatchState(StrEnum):
    """How far a submission has come."""

    NEW = "new"
    BEGUN = "begun"
    """Slurm may have it, whether we know or not."""

    SUBMITTED = "submitted"
    OVER = "over"
    """Slurm refused it, or it was given up before Slurm heard of it."""


@dataclass(frozen=True, kw_only=True)
class Batch:
    """One submission."""

    id: str
    crew: str
    number: int
    """Counts a crew's from 1."""

    size: int
    """How many nodes."""

    form: Form
    state: BatchState = BatchState.NEW
    job: str = ""
    ticket_digest: str = ""
    directory: str = ""
    """On the cluster's storage, once it has begun."""

    intended: float = 0
    """When the submission was decided: an older job is not ours."""

    def node_id(self, task: int) -> str:
        """What a node is called: as Slurm has it or, before Slurm knows it, as we have it."""
        return f"{self.job or self.id}_{task}"

    def element(self, task: int) -> str:
        """What Slurm calls the job that a node is of."""
        return f"{self.job}_{task}" if self.form == "array" else self.job


@dataclass(frozen=True, kw_only=True)
class Crew:
    """What was asked for, and what became of it."""

    id: str
    launch: str
    user: str
    server: str
    name: str
    profile: str
    form: Form
    choices: Choices
    """Of each node, with the account that is charged."""

    per_node: int
    """Workers on a whole node."""

    threads: int
    """Of each worker."""

    memory_mb: int
    """Of each worker; 0 leaves it to the node's own limit."""

    gpus: int
    """Of each node."""

    wanted_nodes: int
    wanted_workers: int
    keep: bool
    replace: bool
    scheduler: str | None = None
    keys: str = ""
    """Its key and certificate, sealed; empty once it is over."""

    state: CrewState = CrewState.OPEN
    why: str = ""
    """Why it is over."""

    failure: dict[str, str] | None = None
    """What Slurm refused last."""

    version: int = 1
    created: float
    changed: float
    batches: tuple[Batch, ...] = ()
    nodes: tuple[Node, ...] = ()
    """Of all batches, in the order of their submission."""

    @property
    def stream(self) -> str:
        """What those wait for who wait for its news."""
        return stream_of(self.id)

    @property
    def is_live(self) -> bool:
        """Whether there is something to do."""
        return self.state in LIVE

    @property
    def working(self) -> tuple[Node, ...]:
        """The nodes that are wanted and not over."""
        return tuple(node for node in self.nodes if node.wanted)

    @property
    def submissions(self) -> int:
        """How often `sbatch` was called for it, or is about to be."""
        return sum(bool(batch.intended) for batch in self.batches)

    def batch(self, batch: str) -> Batch:
        """One of its batches."""
        return next(one for one in self.batches if one.id == batch)

    def node_id(self, node: Node) -> str:
        """What one of its nodes is called."""
        return self.batch(node.batch).node_id(node.task)


def stream_of(crew: str) -> str:
    """See `Crew.stream`."""
    return f"crew:{crew}"


def workers_of(nodes: Iterable[Node]) -> int:
    """How many workers there are on these nodes."""
    return sum(node.workers for node in nodes)
