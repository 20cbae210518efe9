"""What the hub tells of a user's server: the spawner composes it, the service shows it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class ServerStage(StrEnum):
    """Where a server is, for whoever shows it."""

    PREPARING = "preparing"
    """Nothing was submitted yet."""

    PENDING = "pending"
    STARTING = "starting"
    """The job has its node, and JupyterLab does not answer yet."""

    RUNNING = "running"
    SUSPENDED = "suspended"
    ENDING = "ending"
    ENDED = "ended"
    UNKNOWN = "unknown"
    """Slurm cannot be asked, or does not name the job; `words` has what was known last."""


@dataclass(frozen=True)
class ServerState:
    """One server that lives, or has ended lately. Times are seconds since the epoch; 0 is none."""

    name: str
    launch: str
    stage: ServerStage
    words: str
    """What is so, or what happened: a sentence or some."""

    advice: str = ""
    """What its owner can do; only of one that has ended."""

    job: str = ""
    node: str = ""
    since: int = 0
    """When it came into the queue or, once it runs, when it started."""

    ends: int = 0
    """When its time is up or, of one that has ended, when that was."""

    expected_start: int = 0
    """When Slurm expects a pending one to start."""

    ahead: int | None = None
    """How many jobs are ahead of a pending one in its partition."""

    age: float = 0.0
    """How many seconds ago Slurm said so."""

    exit_code: int | None = None
    """What the notebook ended with that it ran by itself; None before, and where it had none."""


def state_from(known: dict[str, Any]) -> ServerState:
    """Of what `asdict` made of one, after its way through JSON."""
    return ServerState(**{**known, "stage": ServerStage(known["stage"])})
