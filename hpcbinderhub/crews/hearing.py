"""What the hub's watcher says of jobs, with whose each is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ..launches.hub import Hub
from ..slurm.jobs import Job, Owned


@dataclass(frozen=True)
class Heard:
    """What it knows of those that were asked about."""

    jobs: Mapping[Owned, Job]
    age: float
    """How many seconds ago Slurm answered last."""

    silent: bool
    """Whether that is too long ago to call anything known."""


async def heard_of(hub: Hub, asked: Iterable[Owned], *, fresh: bool = False) -> Heard:
    """In one question, unless two users are said to have the same job: answers name jobs alone, and
    what a submission was answered passed through what is its user's to write."""
    jobs: dict[Owned, Job] = {}
    age, silent = 0.0, False
    for some in without_doubles(asked):
        told = await hub.jobs(some, fresh=fresh)
        jobs |= {one: told.jobs[one.job] for one in some if one.job in told.jobs}
        age, silent = max(age, told.age), silent or told.silent
    return Heard(jobs, age, silent)


def without_doubles(asked: Iterable[Owned]) -> list[list[Owned]]:
    """The same in as few groups as will do, in each of which no job is named twice."""
    groups: list[dict[str, Owned]] = []
    for one in dict.fromkeys(asked):
        free = next((group for group in groups if one.job not in group), None)
        if free is None:
            groups.append(free := {})
        free[one.job] = one
    return [list(group.values()) for group in groups]
