"""A job as Slurm last described it, and what its state means for a server."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any


class Stage(Enum):
    """What a state means to the one who waits for the server."""

    PENDING = "pending"
    RUNNING = "running"
    ENDING = "ending"
    ENDED = "ended"


_PENDING = {"PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_HOLD", "REQUEUE_FED", "SPECIAL_EXIT"}
_RUNNING = {"RUNNING", "SUSPENDED", "STOPPED", "RESIZING", "SIGNALING", "STAGE_OUT"}
_ENDING = {"COMPLETING"}

_ENDS = {
    "COMPLETED": "The server ended by itself.",
    "CANCELLED": "The job was cancelled.",
    "TIMEOUT": "The job reached its time limit.",
    "OUT_OF_MEMORY": "The job used more memory than it had asked for.",
    "NODE_FAIL": "The compute node failed.",
    "PREEMPTED": "The job made room for one of higher priority.",
    "BOOT_FAIL": "The compute node did not boot.",
    "DEADLINE": "The job could not be finished before its deadline.",
    "FAILED": "The job failed.",
    "TOO_MANY_PROCESSES": "The server started more processes than its profile allows.",
    "HOST_RESTARTED": "The login node was restarted.",
}

_REASONS = {
    "None": "Slurm has not looked at it yet.",
    "Priority": "Jobs of higher priority are ahead in the queue.",
    "Resources": "It is next, and waits for a node to become free.",
    "BeginTime": "It waits for its start time.",
    "PartitionDown": "The partition is down.",
    "PartitionInactive": "The partition does not start jobs at the moment.",
    "PartitionTimeLimit": "It asks for more time than the partition allows.",
    "PartitionNodeLimit": "It asks for more nodes than the partition allows.",
    "QOSMaxJobsPerUserLimit": "You have as many jobs running as your QOS allows.",
    "AssocGrpCpuLimit": "Your account has as many CPUs in use as it may.",
    "AssocMaxJobsLimit": "You have as many jobs running as your account allows.",
    "ReqNodeNotAvail": "The nodes it needs are not available; perhaps a maintenance is near.",
    "Reservation": "It waits for its reservation.",
    "JobHeldAdmin": "An administrator is holding it.",
    "JobHeldUser": "It is held.",
}


@dataclass(frozen=True)
class Job:
    """One job, as the queue or accounting last described it."""

    id: str
    uid: int
    name: str
    state: str
    reason: str
    node: str
    submitted: int
    started: int
    ends: int
    exit_code: str

    @property
    def stage(self) -> Stage:
        """What the state means; a state that we do not know is not taken for an end."""
        if self.state in _PENDING:
            return Stage.PENDING
        if self.state in _ENDING:
            return Stage.ENDING
        return Stage.ENDED if self.state in _ENDS else Stage.RUNNING

    def why_pending(self) -> str:
        """Slurm's reason why it does not run yet, as a sentence."""
        reason = self.reason.strip("()")
        return _REASONS.get(reason, f"Slurm says: {reason}.")

    def in_words(self) -> str:
        """One sentence for the page."""
        if self.stage is Stage.PENDING:
            return f"Waiting in the queue. {self.why_pending()}"
        if self.stage is Stage.RUNNING and self.state in _RUNNING:
            return f"Running on {self.node}."
        return _ENDS.get(self.state, f"Slurm says: {self.state}.")


def job_from(row: dict[str, Any], ahead: float = 0.0) -> Job:
    """A job from the agent's row; `ahead` is how many seconds Slurm's clock is before ours."""
    return Job(
        id=row["id"],
        uid=int(row["uid"] or -1),
        name=row["name"],
        state=row["state"],
        reason=row["reason"],
        node=row["node"],
        submitted=row["submitted"],
        started=row["started"],
        ends=round(row["ends"] - ahead) if row["ends"] else 0,
        exit_code=row["exit_code"],
    )
