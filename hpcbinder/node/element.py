"""Which node of which submission this is, by Slurm's own variables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Element(NamedTuple):
    """One of an array, or one node of a job that has several."""

    job: str
    task: str

    @property
    def name(self) -> str:
        """How the names of its workers begin."""
        return f"{self.job}_{self.task}"


def element(job: Mapping[str, str]) -> Element | None:
    """What the job's environment says; nothing if there is no job."""
    if job.get("SLURM_ARRAY_TASK_ID"):
        return Element(job["SLURM_ARRAY_JOB_ID"], job["SLURM_ARRAY_TASK_ID"])
    if not job.get("SLURM_JOB_ID"):
        return None
    return Element(job["SLURM_JOB_ID"], job.get("SLURM_PROCID", "0"))
