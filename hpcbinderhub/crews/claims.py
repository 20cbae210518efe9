"""Which node may have what it asks for: pure functions of its crew and of Slurm's word.

The ticket is in the batch's directory, which is the user's alone, and is good for each of its
elements once in each run of that. Slurm's word decides which element calls: that it runs, and is
the user's.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import replace

from ..errors import NotAllowed, Unavailable, UserError
from ..slurm.jobs import Job, Stage
from .records import Batch, BatchState, Crew, CrewState, Node, NodeState
from .requests import NodeClaim
from .words import how_a_node_is

CLOCK_SKEW_SECONDS = 600


class NotYet(Unavailable):
    """What is lacking is the crew's own to say, and known as soon as it does."""


def claimable(crew: Crew, batch_id: str, claim: NodeClaim) -> Node:
    """The node that calls, if the ticket is its batch's and it is still wanted."""
    batch = crew.batch(batch_id)
    if batch.state is BatchState.BEGUN:
        raise NotYet("Slurm's answer to the submission is not here yet.")
    if crew.state is not CrewState.OPEN or batch.state is not BatchState.SUBMITTED:
        raise over()
    if not batch.ticket_digest or not hmac.compare_digest(
        batch.ticket_digest, digest(claim.ticket)
    ):
        raise NotAllowed("This is not the ticket of this batch.")
    if claim.job != batch.job:
        raise NotAllowed("This ticket belongs to another job.")
    task = int(claim.task)
    node = next((n for n in crew.nodes if (n.batch, n.task) == (batch_id, task)), None)
    if node is None:
        raise NotAllowed("This job has no such element.")
    if not node.wanted:
        raise over()
    if not crew.scheduler:
        raise NotYet("The scheduler has not said yet where it listens.")
    return node


def check_job(job: Job, batch: Batch, uid: int) -> None:
    """Refuse an element's job unless it runs and is the user's own; a name is nothing to go by."""
    if job.stage is Stage.PENDING or not job.node:
        raise Unavailable("Slurm does not say yet that this job runs.")
    ours = job.uid == uid and job.submitted >= batch.intended - CLOCK_SKEW_SECONDS
    if not ours or job.stage is not Stage.RUNNING:
        raise NotAllowed("Slurm knows this job as another one.")


def claimed(crew: Crew, batch: str, claim: NodeClaim, job: Job, uid: int) -> Crew:
    """The crew with this node claimed. Whoever claimed may ask again, since an answer can be lost;
    it alone knows the name that it gave itself."""
    node = claimable(crew, batch, claim)
    check_job(job, crew.batch(batch), uid)
    who = digest(claim.claimant)
    same_run = bool(node.claimant) and node.claimed_run == job.started
    if same_run and not hmac.compare_digest(node.claimant, who):
        raise UserError("This node was claimed already.", status=409)
    now = replace(
        node,
        state=NodeState.RUNNING,
        node=job.node,
        words=how_a_node_is(job),
        expected_start=0,
        started=job.started,
        ends=job.ends,
        claimant=who,
        claimed_run=job.started,
    )
    return replace(crew, nodes=tuple(now if one is node else one for one in crew.nodes))


def digest(secret: str) -> str:
    """What a secret is known again by."""
    return hashlib.sha256(secret.encode()).hexdigest()


def over() -> UserError:
    """What a node hears that nobody waits for."""
    return UserError("These workers are over.", "Ask for others in the notebook.", status=410)
