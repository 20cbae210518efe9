"""What the service asks of the one watcher: how jobs are that are no servers."""

from __future__ import annotations

import json
from typing import Annotated

from jupyterhub import orm
from jupyterhub.apihandlers import APIHandler
from jupyterhub.scopes import Scope
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from tornado import web

from hpcbinderhub.launches.jobsseen import JobsSeen, seen_as_json
from hpcbinderhub.slurm.jobs import Owned

from .facility import Facility, facility
from .situation import told

MOST_JOBS = 20_000

JobId = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,20}(_[0-9]{1,10})?$")]
"""Of a job, or of an element of an array."""


class Asked(BaseModel):
    """Which jobs, each with its owner; and whether a look that began before this is too old."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    jobs: tuple[tuple[str, JobId], ...] = Field(max_length=MOST_JOBS)
    fresh: bool = False


class JobsHandler(APIHandler):  # type: ignore[misc]
    """POST: how these jobs of users' are. They are watched for a minute."""

    async def post(self) -> None:
        """`JobsSeen` has the fields. For the service alone, which starts everybody's servers."""
        caller, scopes = self.current_user, self.parsed_scopes
        if not isinstance(caller, orm.Service) or scopes.get("servers") is not Scope.ALL:
            raise web.HTTPError(403)
        try:
            asked = Asked.model_validate_json(self.request.body)
        except ValidationError as error:
            raise web.HTTPError(400, str(error)) from error
        jobs = [Owned(job, owner) for owner, job in asked.jobs]
        seen = await look(jobs, facility(self.config), fresh=asked.fresh)
        self.set_header("Content-Type", "application/json")
        self.finish(json.dumps(seen_as_json(seen)))


async def look(jobs: list[Owned], known: Facility, *, fresh: bool) -> JobsSeen:
    """What the watcher knows of them; if `fresh`, after its next look, or when Slurm has not
    answered for too long to wait."""
    known.leases.renew(jobs)
    watcher = known.watcher
    if fresh and jobs:
        await watcher.fresh(jobs[0].job, jobs[0].owner)
    there = {one: job for one in jobs if (job := watcher.job(one.job, one.owner))}
    now = known.wall()
    return JobsSeen(
        jobs={one.job: job for one, job in there.items()},
        words={one.job: told(watcher.sight(*one), now, answers=True) for one in there},
        age=round(watcher.silence, 1),
        silent=watcher.silent,
    )


handlers = [(r"/api/hpcbinderhub/jobs", JobsHandler)]
