"""How many builders there should be: a decision from what waits and what is there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...slurm.jobs import Job, Stage
from ...slurm.words import why_pending


@dataclass(frozen=True)
class Builder:
    """One job, and what is known of it."""

    name: str
    stage: Stage | None
    """None while it is not known, or not even submitted."""
    builds: bool
    """Whether a build is in its hands."""
    cancelled: bool = False

    @property
    def may_take_one(self) -> bool:
        """Whether a build that waits can count on it."""
        return not (self.builds or self.cancelled or self.stage is Stage.ENDING)


@dataclass(frozen=True)
class Plan:
    """What to do."""

    submit: int = 0
    cancel: tuple[str, ...] = ()


def decide(waiting: int, builders: Sequence[Builder], most: int) -> Plan:
    """One builder for each build that waits, and `most` in all. Who is not needed any more and does
    not run yet goes, the newest first; who runs ends by itself when nothing comes."""
    free = [builder for builder in builders if builder.may_take_one]
    spare = len(free) - waiting
    if spare <= 0:
        return Plan(submit=max(0, min(-spare, most - len(builders))))
    unborn = [one.name for one in reversed(free) if one.stage in (None, Stage.PENDING)]
    return Plan(cancel=tuple(unborn[:spare]))


def why_it_waits(job: Job) -> str:
    """A sentence for those who wait for a builder that waits for a node."""
    if job.reason.strip("()").startswith(("QOS", "Assoc")):
        why = "Slurm lets no more builders run at the moment."
    else:
        why = why_pending(job)
    return f"A builder waits for a node, as job {job.id}. {why}"
