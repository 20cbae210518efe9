"""Sees to it that as many builders run as jobs as there are builds waiting for one.

It wants and compares, again and again: what Slurm says of its jobs, what the queue holds. So a
service that was killed, an answer that was lost and a job that vanished are all put right by the
next look. A submission is written down before it is made, and the agent makes it once.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ...errors import NotAllowed, Unavailable, UserError
from ...site import Site
from ...slurm.cluster import Cluster
from ...slurm.jobs import Job, Owned, Stage
from ...slurm.words import how_it_ended
from ..queue import BuildQueue
from ..sightings import Sightings
from .book import BuilderJob, JobBook, digest_of, is_of
from .logs import LOG_BYTES, keep_log
from .plan import Builder, decide, why_it_waits
from .setbacks import Setbacks
from .settings import BuildJobs, job_minutes
from .submission import directory_of, submission

log = logging.getLogger(__name__)

CLOCK_SKEW_SECONDS = 600
SILENT_SECONDS = 300.0
"""A builder that lives is heard of far more often."""


@dataclass(frozen=True)
class Grant:
    """What a builder gets for its ticket."""

    token: str
    seconds: float
    """The time limit of its job."""


class Dispatcher:
    """The builders' jobs of one site; if the site wants none, there are none."""

    def __init__(
        self,
        site: Site,
        queue: BuildQueue,
        cluster: Cluster,
        workers: Sightings,
        clock: Callable[[], float] = time.time,
    ):
        self._settings = BuildJobs(parent=site)
        self._minutes = job_minutes(site.build_seconds)
        self._queue = queue
        self._cluster = cluster
        self._workers = workers
        self._clock = clock
        self._began = clock()
        self._state = Path(site.state_dir)
        self._book = JobBook(self._state / "builder-jobs.json")
        self._seen: dict[str, Job] = {}
        self._setbacks = Setbacks(clock)

    @property
    def wanted(self) -> bool:
        """Whether the site wants builders as jobs."""
        return bool(self._settings.user)

    @property
    def trouble(self) -> str:
        """What keeps the next builder from being asked for, or nothing."""
        return self._setbacks.words() if self._setbacks.pausing else ""

    # -- what is done again and again ----------------------------------------------------------

    async def tend(self) -> None:
        """Put right what can be: look, cancel what is not needed, submit what is."""
        if not self.wanted:
            return
        await self._look()
        busy = await self._queue.busy()
        builders = [self._builder(job, busy) for job in self._book.all()]
        plan = decide(await self._queue.claimable(), builders, self._settings.most)
        for job in self._book.all():
            if job.name in plan.cancel or self._is_silent(job):
                job = await self._book.change(job, cancelled=True)
            if job.cancelled:
                await self._cancel(job)
            elif not job.id:
                await self._submit(job)
        for _ in range(plan.submit):
            if not self._setbacks.pausing:
                await self._submit_another()

    def _is_silent(self, job: BuilderJob) -> bool:
        """Whether a builder hangs, or cannot reach us: others build what it had, and it goes on
        using up its node. After a restart, all of them get the time to be heard of."""
        heard = job.worker in self._workers.within(SILENT_SECONDS)
        return job.used and not heard and self._clock() - self._began > SILENT_SECONDS

    async def _look(self) -> None:
        """Hear from Slurm. What it does not name is as it was: absence is no end."""
        wanted = {job.id: job for job in self._book.all() if job.id}
        if wanted:
            ours = [Owned(number, self._settings.user) for number in wanted]
            told = await self._cluster.observe(ours)
            self._seen |= {one.job: seen for one, seen in told.items()}
        self._seen = {job: seen for job, seen in self._seen.items() if job in wanted}
        for number, seen in self._seen.items():
            if seen.stage is Stage.ENDED:
                await self._ended(wanted[number], seen)

    async def _ended(self, job: BuilderJob, seen: Job) -> None:
        # Not forgotten before its directory is gone: who is not heard of now is asked again.
        kept = await self._clear(job)
        await self._book.drop(job)
        lacking = self._workers.short(job.worker)
        if lacking or not (job.used or job.cancelled):
            how = how_it_ended(seen).sentence
            words = lacking or f"The last builder ended before it was ready. {how}"
            self._setbacks.add(words)
            log.warning("Job %s: %s Its log: %s", job.id, words, kept)
        elif job.used:
            self._setbacks.forget()

    async def _clear(self, job: BuilderJob) -> str:
        """Take the log of a job that left one, and remove its directory; where the log is now."""
        user = self._settings.user
        try:
            text = await self._cluster.log_tail(user, job.directory, LOG_BYTES)
            kept = await asyncio.to_thread(keep_log, self._state, job.id, text) if text else None
            await self._cluster.clear(user, job.directory)
        except UserError as error:
            log.warning("%s stays: %s", job.directory, error.as_text())
            return job.directory
        return str(kept or "none")

    def _builder(self, job: BuilderJob, busy: set[str]) -> Builder:
        seen = self._seen.get(job.id)
        return Builder(job.name, seen.stage if seen else None, job.worker in busy, job.cancelled)

    async def _submit_another(self) -> None:
        """A new job, written down before it is submitted."""
        name = f"hpcbinder-build-{secrets.token_hex(4)}"
        try:
            member = await self._cluster.member(self._settings.user)
        except UserError as error:
            self._set_back(error)
            return
        directory = directory_of(self._settings, member.account, name)
        job = BuilderJob(name=name, directory=directory, intended=self._clock())
        await self._submit(await self._book.add(job))

    async def _submit(self, job: BuilderJob) -> None:
        """Submit, or hear again of a submission whose answer was lost: the ticket that counts is
        the one that lies on the cluster's storage."""
        claim = {"ticket": secrets.token_urlsafe(32)}
        asked = submission(self._settings, job, self._minutes, claim)
        try:
            done = await self._cluster.submit(self._settings.user, asked)
        except UserError as error:
            await self._book.drop(job)
            self._set_back(error)
            with suppress(UserError, Unavailable):
                await self._cluster.clear(self._settings.user, job.directory)
            return
        await self._book.change(job, id=done.job, ticket_digest=done.ticket_digest)
        log.info("A builder was submitted as job %s.", done.job)

    def _set_back(self, error: UserError) -> None:
        self._setbacks.add(f"No builder could be started. {error.message}")
        log.warning("No builder could be started: %s", error.as_text())

    async def _cancel(self, job: BuilderJob) -> None:
        user = self._settings.user
        number = job.id or await self._cluster.find(user, job.name, job.directory)
        if not number:
            await self._book.drop(job)
            return
        if not job.id:
            await self._book.change(job, id=number)
        try:
            await self._cluster.cancel(user, number)
        except UserError as error:
            log.warning("Job %s cannot be cancelled: %s", number, error.as_text())

    # -- what others ask for -------------------------------------------------------------------

    async def dismiss(self, worker: str) -> None:
        """Cancel the job of a builder whose build is not wanted any more."""
        job = self._book.find(lambda job: job.worker == worker)
        if job:
            await self._book.change(job, cancelled=True)

    async def exchange(self, ticket: str, number: str) -> Grant:
        """A ticket for a token. The same job may ask again until it has used the token: an answer
        that was lost must not cost a job that waited hours."""
        job = self._book.find(lambda job: is_of(ticket, job.ticket_digest))
        if job is None or job.id != number:
            raise NotAllowed("This is no builder's ticket.")
        if job.used or job.cancelled:
            raise UserError("This ticket was used.", "The queue asks for another job.", status=409)
        seen = await self._check(job)
        token = secrets.token_urlsafe(32)
        await self._book.change(job, token_digest=digest_of(token), node=seen.node)
        return Grant(token, self._minutes * 60)

    async def _check(self, job: BuilderJob) -> Job:
        """The job as Slurm knows it: the one that was submitted, running, the account's own."""
        member = await self._cluster.member(self._settings.user)
        seen = await self._cluster.certain(self._settings.user, job.id)
        if seen is None or seen.stage is Stage.PENDING:
            raise Unavailable("Slurm does not say yet that this job runs.")
        ours = (
            seen.uid == member.account.uid and seen.submitted >= job.intended - CLOCK_SKEW_SECONDS
        )
        if not ours or seen.stage is not Stage.RUNNING:
            raise NotAllowed("Slurm knows this job as another one.")
        return seen

    async def worker_of(self, token: str) -> str | None:
        """The builder whose token this is."""
        job = self._book.find(lambda job: is_of(token, job.token_digest))
        if job is None:
            return None
        if not job.used:
            await self._book.change(job, used=True)
        return job.worker

    def place_of(self, worker: str) -> str:
        """Where a builder is, for those who wait for what it builds."""
        job = self._book.find(lambda job: job.worker == worker)
        return f"on {job.node}, as job {job.id}" if job else ""

    def outlook(self) -> str:
        """Why a build that waits has no builder yet; of several that come, the nearest counts."""
        if self.trouble:
            return self.trouble
        coming = [job for job in self._book.all() if not (job.used or job.cancelled)]
        seen = [self._seen[job.id] for job in coming if job.id in self._seen]
        for job in seen:
            if job.stage is Stage.RUNNING:
                return f"A builder is getting ready on {job.node}, as job {job.id}."
        for job in seen:
            if job.stage is Stage.PENDING:
                return why_it_waits(job)
        return "Slurm is being asked for a builder." if coming else ""
