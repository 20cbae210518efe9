"""A job as Slurm last described it, and what its state means for a server."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any, NamedTuple

from pydantic import TypeAdapter


class Stage(Enum):
    """What a state means to the one who waits for the server."""

    PENDING = "pending"
    RUNNING = "running"
    ENDING = "ending"
    ENDED = "ended"


PENDING = {"PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_HOLD", "REQUEUE_FED", "SPECIAL_EXIT"}
RUNNING = {"RUNNING", "RESIZING", "SIGNALING", "STAGE_OUT"}
HALTED = {"SUSPENDED", "STOPPED"}
ENDING = {"COMPLETING"}
ENDED = {
    *("COMPLETED", "CANCELLED", "TIMEOUT", "OUT_OF_MEMORY", "NODE_FAIL", "PREEMPTED"),
    *("BOOT_FAIL", "DEADLINE", "FAILED", "REVOKED", "TOO_MANY_PROCESSES", "HOST_RESTARTED"),
}


class Owned(NamedTuple):
    """A job's id, and whose it is said to be. Two users may be said to have the same: an id passes
    through what is theirs to write."""

    job: str
    owner: str = ""


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
    """When it started, or is expected to; 0 if Slurm does not know."""

    ends: int
    """When its time is up, or when it ended."""

    exit_code: str
    ahead: int | None = None
    """How many jobs of its partition wait with a higher priority."""

    by: str = ""
    """Whose account cancelled it, as a uid."""

    @property
    def stage(self) -> Stage:
        """What the state means; a state that we do not know is not taken for an end."""
        if self.state in PENDING:
            return Stage.PENDING
        if self.state in ENDING:
            return Stage.ENDING
        return Stage.ENDED if self.state in ENDED else Stage.RUNNING

    @property
    def halted(self) -> bool:
        """Whether it is on its node and does not get to do anything."""
        return self.state in HALTED

    def expected_start(self, now: float) -> int:
        """When Slurm expects it to start, if it waits and Slurm expects anything; else 0."""
        return self.started if self.stage is Stage.PENDING and self.started > now else 0


_JOB = TypeAdapter(Job)


def job_from(row: dict[str, Any], ahead: float = 0.0) -> Job:
    """A job from the agent's row; `ahead` is how many seconds Slurm's clock is before ours.
    ValueError or KeyError if it is none: what answers as a user may be something else."""
    return _JOB.validate_python(
        {
            "id": row["id"],
            "uid": int(row["uid"] or -1),
            "name": row.get("name", ""),
            "state": row["state"],
            "reason": row["reason"],
            "node": row["node"],
            "submitted": row["submitted"],
            "started": row["started"],
            "ends": round(row["ends"] - ahead) if row["ends"] else 0,
            "exit_code": row["exit_code"],
            "ahead": row.get("ahead"),
            "by": row.get("by", ""),
        }
    )
