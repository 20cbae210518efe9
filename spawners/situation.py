"""What is going on with a server, in words and as values: pure functions of what is known."""

from __future__ import annotations

from hpcbinderhub.launches.serverstate import ServerStage, ServerState
from hpcbinderhub.slurm.jobs import Job, Stage
from hpcbinderhub.slurm.watcher import Sight
from hpcbinderhub.slurm.words import Ending, duration, how_it_ended, in_words

from .endings import PUT_BACK
from .record import JobRecord

STAGES = {
    Stage.PENDING: ServerStage.PENDING,
    Stage.RUNNING: ServerStage.RUNNING,
    Stage.ENDING: ServerStage.ENDING,
    Stage.ENDED: ServerStage.ENDED,
}


def stage_of(job: Job, *, answers: bool) -> ServerStage:
    """Where a server is whose job is known; `answers`: whether it has said where it listens."""
    if job.halted:
        return ServerStage.SUSPENDED
    booting = job.state == "CONFIGURING" and bool(job.node)
    if booting or (job.stage is Stage.RUNNING and not answers):
        return ServerStage.STARTING
    return STAGES[job.stage]


def state_of(record: JobRecord, sight: Sight, now: float, words: str) -> ServerState:
    """A server with a record; `words` are said while no job is known."""
    job = sight.job
    if job is None and not sight.unknown:
        return ServerState(record.server, record.launch, ServerStage.PREPARING, words)
    stage = ServerStage.UNKNOWN
    if job and not sight.unknown:
        stage = stage_of(job, answers=bool(record.url))
    return ServerState(
        name=record.server,
        launch=record.launch,
        stage=stage,
        words=told(sight, now, answers=bool(record.url)),
        job=record.id,
        node=job.node if job else record.node,
        since=_since(record, job),
        ends=job.ends if job else 0,
        expected_start=job.expected_start(now) if job else 0,
        ahead=job.ahead if job and job.stage is Stage.PENDING else None,
        age=round(sight.age, 1),
    )


def _since(record: JobRecord, job: Job | None) -> int:
    started = job is not None and job.stage is not Stage.PENDING and job.started
    return started or record.waiting_since or record.intended


def told(sight: Sight, now: float, *, answers: bool) -> str:
    """What is said of a job on a page."""
    job = sight.job
    known = "" if job is None else _known(job, now, answers)
    if not sight.unknown:
        return known
    for_long = duration(sight.age)
    if sight.silent:
        said = f"Slurm has not answered for {for_long}."
    else:
        said = (
            f"Slurm has not named this job for {for_long}, and accounting does not say how it is."
        )
    return f"{said} What was known last: {known}" if known else said


def _known(job: Job, now: float, answers: bool) -> str:
    if stage_of(job, answers=answers) is ServerStage.STARTING and job.stage is Stage.RUNNING:
        return f"Starting on {job.node}." if job.node else "Starting."
    return in_words(job, now)


def ended(record: JobRecord, ending: Ending, job: Job | None, now: float) -> ServerState:
    """A server that is over."""
    return ServerState(
        name=record.server,
        launch=record.launch,
        stage=ServerStage.ENDED,
        words=ending.sentence,
        advice=ending.advice,
        job=record.id,
        node=job.node if job else record.node,
        since=_since(record, job),
        ends=job.ends if job and job.stage is Stage.ENDED and job.ends else int(now),
        exit_code=record.exit_code,
    )


def ran_again(record: JobRecord, job: Job) -> bool:
    """Whether Slurm has started a job that had claimed once more."""
    return bool(record.claimed_by) and 0 < record.started < job.started


def ending_of(record: JobRecord, job: Job) -> Ending:
    """How it ended: in Slurm's words, or in those that the server itself left behind. A second run
    gets no secrets and fails, which is not what happened to the server."""
    if ran_again(record, job):
        return PUT_BACK
    if record.ending and job.state == "COMPLETED":
        return Ending(record.ending, "Launch again; your workspace is as you left it.")
    return how_it_ended(job)
