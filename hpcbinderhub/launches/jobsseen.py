"""What the hub's watcher tells the service of jobs that are no servers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from pydantic import TypeAdapter

from ..slurm.jobs import Job


@dataclass(frozen=True)
class JobsSeen:
    """Those among the jobs that were asked about of which Slurm has told anything. Whoever asked
    for one for the first time may have to ask again."""

    jobs: Mapping[str, Job]
    """By their ids."""

    words: Mapping[str, str]
    """How each is, in words; with how old that is, where that is too old."""

    age: float
    """How many seconds ago Slurm answered last, about whatever it was."""

    silent: bool
    """Whether that is too long ago to call anything known."""


_SEEN = TypeAdapter(JobsSeen)


def seen_as_json(seen: JobsSeen) -> dict[str, Any]:
    """One object for each job, with the words in it."""
    jobs = {job: asdict(one) | {"words": seen.words[job]} for job, one in seen.jobs.items()}
    return {"jobs": jobs, "age": seen.age, "silent": seen.silent}


def jobs_seen(told: Mapping[str, Any]) -> JobsSeen:
    """The opposite."""
    words = {job: row["words"] for job, row in told["jobs"].items()}
    jobs = {
        job: {k: v for k, v in row.items() if k != "words"} for job, row in told["jobs"].items()
    }
    return _SEEN.validate_python({**told, "jobs": jobs, "words": words})
