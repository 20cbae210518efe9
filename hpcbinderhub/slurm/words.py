"""Slurm's states and reasons in plain words, and what to do about an end.

Pure functions of what Slurm said and of the time.
"""

from __future__ import annotations

from dataclasses import dataclass

from .jobs import RUNNING, Job, Stage

REASONS = {
    "None": "Slurm has not looked at it yet.",
    "Priority": "Jobs of higher priority are ahead in the queue.",
    "Resources": "It is next, and waits for a node to become free.",
    "BeginTime": "It waits for its start time.",
    "Dependency": "It waits for another job.",
    "Licenses": "It waits for a license to become free.",
    "Nodes_required_for_job_are_DOWN": "The nodes it needs are down or reserved.",
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
    "launch_failed_requeued_held": "It could not be started on its node, and Slurm holds it.",
}

AGAIN = "Launch again."


@dataclass(frozen=True)
class Ending:
    """How a job ended, and what its owner can do."""

    sentence: str
    advice: str


ENDS = {
    "COMPLETED": Ending("The server ended by itself.", AGAIN),
    "TIMEOUT": Ending(
        "The job reached its time limit.",
        "Launch again; your workspace is as you left it. Ask for more time if you need it.",
    ),
    "OUT_OF_MEMORY": Ending(
        "The job used more memory than it had asked for.",
        "Launch with a profile that has more memory, or load less data at once.",
    ),
    "NODE_FAIL": Ending(
        "The compute node failed.", "Launch again: Slurm takes another node. It was not you."
    ),
    "PREEMPTED": Ending(
        "The job made room for one of higher priority.",
        "Launch again, or choose a profile whose jobs are not preempted.",
    ),
    "BOOT_FAIL": Ending(
        "The compute node did not boot.", "Launch again: Slurm takes another node."
    ),
    "DEADLINE": Ending(
        "The job could not be finished before its deadline.", "Launch again with less time."
    ),
    "REVOKED": Ending("Slurm moved the job to another cluster.", AGAIN),
    "TOO_MANY_PROCESSES": Ending(
        "The server started more processes than its profile allows.",
        "Launch again, and start fewer at once.",
    ),
    "HOST_RESTARTED": Ending(
        "The login node was restarted.", "Launch again; your workspace is as it was."
    ),
}
SIGNALS = {"9": "was killed", "11": "crashed", "6": "was aborted", "15": "was told to end"}


def in_words(job: Job, now: float) -> str:
    """One sentence or some for the page."""
    if job.state == "CONFIGURING" and job.node:
        return f"Starting on {job.node}, which is being made ready."
    if job.stage is Stage.PENDING:
        return " ".join(("Waiting in the queue.", why_pending(job), *_outlook(job, now)))
    if job.stage is Stage.ENDED:
        return how_it_ended(job).sentence
    if job.stage is Stage.ENDING:
        return f"Ending on {job.node}." if job.node else "Ending."
    if job.halted:
        return f"Slurm has suspended the job on {job.node}. It goes on by itself."
    if job.state not in RUNNING:
        return f"Slurm says: {job.state}."
    left = job.ends - now
    return f"Running on {job.node}" + (f", with {duration(left)} left." if left > 0 else ".")


def why_pending(job: Job) -> str:
    """Slurm's reason why it does not run yet, as a sentence."""
    reason = job.reason.strip("()")
    # `scontrol` writes underlines where `squeue` has spaces, and both go on after a comma.
    name = reason.replace(" ", "_")
    known = REASONS.get(name) or REASONS.get(name.partition(",")[0])
    return known or f"Slurm says: {reason}."


def _outlook(job: Job, now: float) -> list[str]:
    """Its place, and when Slurm expects it to start."""
    said = []
    if job.ahead:
        some = "1 job is" if job.ahead == 1 else f"{_roughly(job.ahead)} jobs are"
        said.append(f"{some} ahead of it.")
    expected = job.expected_start(now)
    if expected:
        said.append(f"Slurm expects it to start in {duration(expected - now)}.")
    return said


def how_it_ended(job: Job) -> Ending:
    """What happened, and what to do."""
    if job.state == "CANCELLED":
        return _cancelled(job)
    if job.state == "FAILED":
        return _failed(job)
    return ENDS.get(job.state) or Ending(f"Slurm says: {job.state}.", AGAIN)


def _cancelled(job: Job) -> Ending:
    if job.by == str(job.uid):
        return Ending("The job was cancelled from your own account.", AGAIN)
    if job.by == "0":
        return Ending(
            "An administrator cancelled the job.",
            "Look for news of your facility, or ask your help desk, before you launch again.",
        )
    whom = f" by the account number {job.by}" if job.by else ""
    return Ending(
        f"The job was cancelled{whom}.", "Launch again, or ask your help desk if it was not you."
    )


def _failed(job: Job) -> Ending:
    code, _, number = job.exit_code.partition(":")
    if number not in ("", "0"):
        what = f"{SIGNALS.get(number, 'was ended')} (signal {number})"
    elif code not in ("", "0"):
        what = f"failed with exit code {code}"
    else:
        what = "failed"
    return Ending(
        f"The job {what}.", "Read its last lines; launch again, or show them to your help desk."
    )


def duration(seconds: float) -> str:
    """A time span as people say it, coarse enough not to change at every look."""
    minutes = seconds / 60
    if seconds < 50:
        return f"{max(10, round(seconds / 10) * 10)} seconds"
    if minutes < 1.5:
        return "about a minute"
    if minutes < 90:
        step = 1 if minutes < 10 else 5
        return f"about {round(minutes / step) * step} minutes"
    hours = round(minutes / 60)
    return f"about {hours} hours" if hours < 48 else f"about {round(hours / 24)} days"


def _roughly(number: int) -> str:
    if number < 10:
        return str(number)
    step = 10 if number < 100 else 100
    return f"about {max(number // step, 1) * step}"
