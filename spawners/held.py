"""The job that a server has: remembered, watched, found again, cancelled."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from hpcbinderhub.launches.serverstate import ServerState, state_from
from hpcbinderhub.slurm.cluster import Queue
from hpcbinderhub.slurm.jobs import Job, Stage
from hpcbinderhub.slurm.script import job_name
from hpcbinderhub.slurm.watcher import Sight, Watcher
from hpcbinderhub.slurm.words import Ending

from .facility import Facility
from .record import JobRecord
from .situation import ended, ran_again
from .wayin import name_of, way_in

END_SECONDS = 60.0

log = logging.getLogger(__name__)


class HeldJob:
    """What a server has of its job. `record` is None while it has none; `ended` is how the last one
    ended, for as long as JupyterHub knows the server's name.

    `keep` is called whenever something was learned that a killed hub must know again, `news` when
    the job is another than it was.
    """

    def __init__(
        self, user: str, facility: Facility, keep: Callable[[], None], news: Callable[[], None]
    ):
        self.record: JobRecord | None = None
        self.ended: ServerState | None = None
        self.queue: Queue = facility.cluster
        self.watcher: Watcher = facility.watcher
        self.user = user
        self._facility = facility
        self._keep = keep
        self._news = news

    # -- what is remembered --------------------------------------------------------------------

    def load(self, state: dict[str, Any]) -> None:
        """Know the job, or how it ended, after a hub restart."""
        if state.get("ended"):
            self.ended = state_from(state["ended"])
        if state.get("job"):
            self.record = self._facility.seal.opened(state["job"])
            self._follow()

    def dump(self) -> dict[str, Any]:
        """The job, for as long as it may exist, and how the last one ended."""
        seal = self._facility.seal
        state: dict[str, Any] = {"job": seal.closed(self.record)} if self.record else {}
        return state | ({"ended": asdict(self.ended)} if self.ended else {})

    def open(self, launch: str, directory: str, server: str) -> None:
        """The record of this launch's job, in the database before anything is submitted. A launch
        that has one already goes on with it."""
        if self.record is None:
            intended = int(self._facility.wall())
            self.record = JobRecord(
                launch=launch, directory=directory, intended=intended, server=server
            )
        self._keep()

    def update(self, **values: Any) -> None:
        """Something more is known."""
        assert self.record is not None
        self.record = self.record.model_copy(update=values)
        if "id" in values:
            self._follow()
        self._keep()

    def over(self, ending: Ending) -> None:
        """Forget the job, and keep how it ended."""
        assert self.record is not None
        self.ended = ended(self.record, ending, self.seen(), self._facility.wall())
        if self.record.claimed_by:
            self._facility.leftovers.ended(self.user, self.record.directory)
        self._forget(self.record)

    def _follow(self) -> None:
        if self.record and self.record.id:
            self.watcher.follow(self.record.id, self.user, self._news)

    def _forget(self, record: JobRecord) -> None:
        self.close_way_in()
        if record.id:
            self.watcher.forget(record.id, self.user)
        self.record = None

    # -- what is seen of it --------------------------------------------------------------------

    def seen(self) -> Job | None:
        """The job, as Slurm told of it last."""
        return self.watcher.job(self.record.id, self.user) if self.record else None

    def sight(self) -> Sight:
        """The same, and how old it is."""
        assert self.record is not None
        return self.watcher.sight(self.record.id, self.user)

    def was_put_back(self) -> bool:
        """Whether Slurm took a job that had claimed from its node, to start it once more."""
        record, job = self.record, self.seen()
        if job is None or record is None or not record.claimed_by:
            return False
        return job.stage is Stage.PENDING or ran_again(record, job)

    # -- the way to it -------------------------------------------------------------------------

    async def open_way_in(self) -> str:
        """The address of the hub's end of the way, which stays the same over a hub restart."""
        assert self.record is not None
        site = self._facility.site
        port = await self._facility.hop.open(way_in(site, self.user, self.record))
        if self.record and self.record.hop_port != port:
            self.update(hop_port=port)
        return f"http://{site.hop_address}:{port}"

    async def answers(self) -> bool:
        """Whether the server is at the other end, and has proved to be the one."""
        return bool(
            self.record and await self._facility.hop.answers(name_of(self.user, self.record))
        )

    async def outlast_silence(self) -> None:
        """Return when the server answers, or when nothing explains that it does not: that its job
        is suspended, or that Slurm has not said how it is."""
        while self.record and not await self.answers():
            sight = self.sight()
            if sight.job and not sight.job.halted and not sight.unknown:
                return
            await self.watcher.wait()

    def close_way_in(self) -> None:
        """Nothing gets through any more."""
        if self.record and self.record.hop_port:
            self._facility.hop.close(name_of(self.user, self.record))

    # -- its end -------------------------------------------------------------------------------

    async def cancel(self, ending: Ending, *, wait: bool) -> None:
        """Cancel the job, and forget it when that was heard. One whose submission is still on its
        way is waited for, and found."""
        record = self.record
        assert record is not None
        name = job_name(record.launch)
        job = record.id or await self._find(name, record.directory)
        if job:
            await self.queue.cancel(self.user, job)
            if wait:
                await self._wait_for_end(job)
        # A poll may have seen the end first.
        if self.record and self.record.launch == record.launch:
            self.over(ending)

    async def _find(self, name: str, directory: str) -> str:
        return await self.queue.find(self.user, name, directory)

    async def _wait_for_end(self, job: str) -> None:
        watcher, clock = self.watcher, self._facility.clock
        watcher.follow(job, self.user)
        try:
            limit, pause = clock() + END_SECONDS, 0.5
            while clock() < limit:
                seen = await watcher.fresh(job, self.user)
                if seen and seen.stage is Stage.ENDED:
                    return
                await asyncio.sleep(pause)
                pause = min(pause * 2, 2.0)
            log.warning("Job %s was cancelled but has not ended in %s s", job, END_SECONDS)
        finally:
            watcher.forget(job, self.user)
