"""Who may call for a job: the one that was submitted, by ticket; then its server, by token."""

from __future__ import annotations

import hmac

from hpcbinderhub.errors import NotAllowed, Unavailable, UserError
from hpcbinderhub.slurm.cluster import Queue
from hpcbinderhub.slurm.jobs import Job, Stage

from .record import JobRecord

CLOCK_SKEW_SECONDS = 600


def check_ticket(record: JobRecord, ticket: str, job_id: str, claimant: str) -> None:
    """A ticket is good once, for one job. Whoever spent it may ask again until its server has said
    where it listens, since an answer can be lost; it alone knows the name that it gave itself."""
    if not record.matches(ticket):
        raise NotAllowed("This is not the ticket of this launch.")
    if record.url or not record.may_claim(claimant):
        raise UserError("This launch was claimed already.", status=409)
    if job_id != record.id:
        raise NotAllowed("This ticket belongs to another job.")


async def running_job(record: JobRecord, user: str, uid: int, queue: Queue) -> Job:
    """The job that was submitted for this launch, running, and the user's own; its name is
    nothing to go by, since users can change it."""
    job = await queue.certain(user, record.id)
    if job is None or job.stage is Stage.PENDING or not job.node:
        raise Unavailable("Slurm does not say yet that this job runs.")
    ours = job.uid == uid and job.submitted >= record.intended - CLOCK_SKEW_SECONDS
    if not ours or job.stage is not Stage.RUNNING:
        raise NotAllowed("Slurm knows this job as another one.")
    if record.claimed_by and job.started != record.started:
        raise UserError("An earlier run of this job claimed the launch.", status=409)
    return job


def kept(record: JobRecord | None) -> JobRecord:
    """The record of a server that is not over. It is in the database before its job is submitted,
    so that a job without one need not ask again."""
    if record is None:
        raise over()
    return record


def over() -> UserError:
    """What a job hears that belongs to no server."""
    return UserError("This launch is over.", "Launch again from the hub.", status=410)


def recognised(record: JobRecord | None, token: str) -> JobRecord:
    """The record of the server whose token this is."""
    record = kept(record)
    known = record.token and hmac.compare_digest(token.encode(), record.token.encode())
    if not known:
        raise NotAllowed("This is not the token of this server.")
    return record
