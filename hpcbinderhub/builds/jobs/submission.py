"""What is handed to `sbatch` for a builder, as pure functions of typed values."""

from __future__ import annotations

from typing import Any

from ...slurm.cluster import Submission
from ...slurm.script import batch_script
from ...workspaces import Account, root_of
from .book import BuilderJob
from .settings import BuildJobs


def directory_of(settings: BuildJobs, account: Account, name: str) -> str:
    """Where a job's ticket and log are."""
    return str(root_of(settings.directory, account) / name)


def submission(
    settings: BuildJobs, job: BuilderJob, minutes: int, claim: dict[str, Any]
) -> Submission:
    """All of it: every option on `sbatch`'s own command line, and a script without a secret."""
    return Submission(
        name=job.name,
        directory=job.directory,
        directories=(),
        options=sbatch_options(settings, job, minutes),
        script=batch_script(settings.prologue, (), [*settings.command, f"--job={job.directory}"]),
        claim=claim,
    )


def sbatch_options(settings: BuildJobs, job: BuilderJob, minutes: int) -> tuple[str, ...]:
    """The options."""
    chosen = {
        "job-name": job.name,
        "partition": settings.partition,
        "account": settings.account,
        "qos": settings.qos,
        "time": f"{minutes}",
        "nodes": "1",
        "ntasks": "1",
        "cpus-per-task": f"{settings.cpus}",
        "mem": f"{settings.memory_mb}M",
        "chdir": job.directory,
        "output": f"{job.directory.replace('%', '%%')}/job.log",
    }
    # A second incarnation would find its ticket spent. The queue has the build again by then, and
    # asks for another job.
    return (*(f"--{name}={value}" for name, value in chosen.items() if value), "--no-requeue")
