"""Does at the cluster what the records of crews call for: submits, finds again, cancels.

For each crew it reads the record, does the one thing that is next and writes down what came of it,
until nothing is next. Each thing may be done twice without harm: a batch is submitted once by its
directory, and what has ended can be cancelled. So a service that was killed goes on by looking.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from weakref import WeakValueDictionary

from ..errors import Unavailable, UserError, defect
from ..images.engines import Engine, engine_named
from ..images.engines.pulled import pulls
from ..site import Site
from ..slurm.cluster import Cluster
from ..slurm.script import job_name
from ..store.publishing import Publishing
from . import changes
from .batch import BatchPlan, batch_submission
from .book import CrewBook
from .plans import Plans, claim_url
from .records import Batch, BatchState, Crew, CrewState
from .steps import Cancel, Find, Submit, next_step

log = logging.getLogger(__name__)

FIRST_PAUSE = 1.0
LONGEST_PAUSE = 30.0


class Tender:
    """Of all crews of a site."""

    def __init__(
        self,
        site: Site,
        book: CrewBook,
        plans: Plans,
        cluster: Cluster,
        publishing: Publishing,
        failed: Callable[[Crew], Awaitable[object]],
        clock: Callable[[], float] = time.time,
    ):
        self._site = site
        self._book = book
        self._plans = plans
        self._cluster = cluster
        self._publishing = publishing
        self._failed = failed
        self._clock = clock
        self._places = asyncio.Semaphore(site.submissions_at_once)
        self._users: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._called: set[str] = set()

    def call(self, crew: str) -> None:
        """There may be something to do for it."""
        self._called.add(crew)
        if crew not in self._tasks:
            task = asyncio.create_task(self._run(crew), name=f"crew-{crew}")
            self._tasks[crew] = task
            task.add_done_callback(lambda done: self._done(crew, done))

    async def close(self) -> None:
        """Stop; the records stay as they are."""
        tasks = list(self._tasks.values())
        self._called.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _done(self, crew: str, task: asyncio.Task[None]) -> None:
        del self._tasks[crew]
        if not task.cancelled() and task.exception():
            log.error("Crew %s met a defect", crew, exc_info=task.exception())
        elif crew in self._called:
            self.call(crew)

    async def _run(self, crew_id: str) -> None:
        pause = FIRST_PAUSE
        while True:
            self._called.discard(crew_id)
            crew = await self._book.get(crew_id)
            step = next_step(crew) if crew else None
            if crew is None or step is None:
                return
            try:
                await self._take(crew, step)
                pause = FIRST_PAUSE
            except (Unavailable, UserError) as error:
                log.warning("Crew %s waits %.0f s: %s", crew_id, pause, error)
                if isinstance(step, Submit):
                    await self._say(crew, step.batch, error)
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE)

    async def _take(self, crew: Crew, step: Submit | Find | Cancel) -> None:
        if isinstance(step, Cancel):
            await self._cancel(crew, step)
        elif isinstance(step, Find):
            await self._find(crew, step.batch)
        else:
            await self._submit(crew, step.batch)

    async def _say(self, crew: Crew, batch: Batch, error: Exception) -> None:
        words = f"The cluster does not answer; trying again. ({error})"
        await self._book.change(crew.id, lambda c: changes.said(c, batch.id, words))

    # -- one step ------------------------------------------------------------------------------

    async def _submit(self, crew: Crew, batch: Batch) -> None:
        """A refusal is an answer as well: Slurm's own words close the batch."""
        try:
            await self._submit_once(crew, batch)
        except UserError as error:
            await self._refuse(crew, batch, error)
        except (Unavailable, asyncio.CancelledError):
            raise
        except Exception:
            log.exception("Batch %s met a defect", batch.id)
            await self._refuse(crew, batch, defect())

    async def _refuse(self, crew: Crew, batch: Batch, error: UserError) -> None:
        failure = error.as_dict()
        crew = await self._book.change(crew.id, lambda c: changes.refused(c, batch.id, failure))
        if crew.state is CrewState.FAILED:
            await self._failed(crew)

    async def _submit_once(self, crew: Crew, batch: Batch) -> None:
        plan = await self._plans.of(crew, batch.id)
        image = await self._image(crew, plan)
        now = self._clock()
        directory = str(plan.where.launch)
        crew = await self._book.change(
            crew.id, lambda c: changes.begun(c, batch.id, directory, now), news=False
        )
        batch = crew.batch(batch.id)
        if batch.state is not BatchState.BEGUN:
            return
        submission = batch_submission(
            plan,
            self._site,
            self._engine(plan),
            image,
            claim_url(plan.profile, self._site, batch.id),
            nodes=batch.size,
            form=batch.form,
        )
        own = self._users.setdefault(crew.user, asyncio.Lock())
        async with own, self._places:
            done = await self._cluster.submit(crew.user, submission)
        await self._book.change(
            crew.id, lambda c: changes.submitted(c, batch.id, done.job, done.ticket_digest)
        )

    async def _image(self, crew: Crew, plan: BatchPlan) -> str:
        """The server's image, as the profile's engine knows it: it may be another engine's."""
        engine, artefact = self._engine(plan), plan.options.artefact
        if pulls(type(engine), self._site) and not await self._publishing.has(artefact):
            await self._publishing.wait_for(artefact)
        return await engine.ensure(crew.user, artefact, plan.reader)

    def _engine(self, plan: BatchPlan) -> Engine:
        return engine_named(plan.profile.engine, self._site, self._cluster)

    async def _find(self, crew: Crew, batch: Batch) -> None:
        """Nobody wants it any more, and Slurm may have it."""
        job = await self._cluster.find(crew.user, job_name(batch.id), batch.directory)
        if job:
            await self._book.change(crew.id, lambda c: changes.submitted(c, batch.id, job, ""))
        else:
            await self._book.change(crew.id, lambda c: changes.given_up(c, batch.id))

    async def _cancel(self, crew: Crew, step: Cancel) -> None:
        # Where it is refused, some of it may have been heard: what Slurm still has is told again.
        await self._cluster.cancel_all(crew.user, step.jobs)
        await self._book.change(crew.id, lambda c: changes.cancelled(c, step.nodes))
