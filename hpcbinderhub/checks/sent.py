"""What was sent out to look at a node: seen, reporting, reached, ended, gone without a trace."""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import suppress
from typing import ClassVar, Protocol

from ..errors import Unavailable, UserError
from ..images.engines import engine_class
from ..slurm.cluster import Cluster, Submission, Submitted
from ..slurm.jobs import Job, Owned, Stage
from ..slurm.words import how_it_ended, in_words
from . import node_script, nodes
from .clocks import compared
from .errands import Errand
from .finding import Finding, failed, ok, warning
from .ground import Ground
from .hop import reached

SIGHT_SECONDS = 20
END_SECONDS = 40
LOG_BYTES = 20_000


class Runner(Protocol):
    """Who runs it: Slurm, or the login nodes themselves."""

    async def submit(self, user: str, submission: Submission) -> Submitted:
        """See `hpcbinderhub.slurm.cluster.Queue`."""
        ...

    async def observe(self, jobs: Iterable[Owned]) -> dict[Owned, Job]:
        """How these are."""
        ...

    async def cancel(self, user: str, job: str) -> None:
        """See `hpcbinderhub.slurm.cluster.Queue`."""
        ...


class Sent(ABC):
    """One errand, and what becomes of it."""

    began: ClassVar[str]
    noun: ClassVar[str]

    def __init__(self, ground: Ground, runner: Runner, errand: Errand):
        self._ground, self._runner, self._errand = ground, runner, errand
        self._cluster: Cluster = ground.reach(ground.site)
        self._user, self._directory = ground.user, errand.submission.directory
        self._log = errand.submission.log or self._directory
        self._what = errand.what
        self._job = ""
        self._silent_at = time.time()
        """When it had certainly not said the time yet."""

    async def findings(self) -> list[Finding]:
        """Send, follow, cancel, and leave nothing behind."""
        try:
            self._job = (await self._runner.submit(self._user, self._errand.submission)).job
        except UserError as error:
            return [failed(self._what, f"{error.message} ({error.detail})", error.advice)]
        except Unavailable as error:
            advice = "See that it runs and can be reached from here, and check again."
            return [failed(self._what, str(error), advice)]
        found = [ok(self._what, f"{self._user} {self.began} {self._job}.")]
        try:
            async for finding in self._followed():
                found.append(finding)
        finally:
            with suppress(UserError, Unavailable):
                await self._runner.cancel(self._user, self._job)
        found.append(await self._ended())
        for folder in {self._directory, self._log}:
            with suppress(UserError, Unavailable):
                await self._cluster.clear(self._user, folder)
        return found

    async def _seen(self) -> Job | None:
        one = Owned(self._job, self._user)
        return (await self._runner.observe([one])).get(one)

    async def _followed(self) -> AsyncIterator[Finding]:
        """Until the node has reported, it has ended, or it has waited for too long."""
        seen = await self._first_sight()
        yield self._sight(seen)
        limit = time.monotonic() + self._ground.patience
        while time.monotonic() < limit:
            seen = await self._seen()
            asked = time.time()
            log = await self._cluster.log_tail(self._user, self._log, LOG_BYTES)
            report = node_script.read(log)
            if node_script.LAST in report:
                for finding in self._reported(report):
                    yield finding
                if "listen" in report:
                    yield await self._reached(int(report["listen"][0]))
                return
            if seen and seen.stage is Stage.ENDED:
                yield await self._died(seen)
                return
            if "time" not in report:
                self._silent_at = asked
            await asyncio.sleep(1)
        yield self._still_waiting(seen)

    async def _first_sight(self) -> Job | None:
        limit = time.monotonic() + SIGHT_SECONDS
        while True:
            seen = await self._seen()
            if seen or time.monotonic() > limit:
                return seen
            await asyncio.sleep(1)

    def _sight(self, seen: Job | None) -> Finding:
        watcher = self.watcher()
        if seen:
            return ok(self._what, f"{watcher} sees it: {in_words(seen, time.time())}")
        return failed(
            self._what,
            f"{watcher} does not see {self.noun} {self._job} of {self._user}, so no server is ever "
            "ready.",
            self.unseen(self._job),
        )

    def watcher(self) -> str:
        """Who looks how it is."""
        return self._ground.site.watcher_user

    @abstractmethod
    def unseen(self, job: str) -> str:
        """What to do where the watcher does not see it."""

    @abstractmethod
    def endless(self, job: str) -> str:
        """What to do where nobody saw it end."""

    def _reported(self, report: nodes.Report) -> Iterator[Finding]:
        profile, site = self._errand.profile, self._ground.site
        hub = profile.hub_url(site.public_url)
        yield from nodes.of_report(self._what, report, engine_class(profile.engine), site, hub)
        began = next(iter(report.get("time", ())), "")
        if began.isdigit():
            # It wrote the time last of all, since the log was read before.
            yield compared(f"{self._what}: clock", float(began), self._silent_at, time.time())

    async def _reached(self, port: int) -> Finding:
        """Whether the hub gets to where it listens. Its node is known now, since it runs."""
        seen = await self._seen()
        return await reached(self._ground, self._what, seen.node if seen else "", port)

    async def _died(self, seen: Job) -> Finding:
        log = await self._cluster.log_tail(self._user, self._log)
        last = " / ".join(log.splitlines()[-5:]) or "its log is empty"
        return failed(
            self._what,
            f"The {self.noun} ended before it had reported. {how_it_ended(seen).sentence} "
            f"Its last lines: {last}",
            "Look at those words; at c.Site.job_prologue and the profile's `modules`, which run "
            "first.",
        )

    def _still_waiting(self, seen: Job | None) -> Finding:
        words = in_words(seen, time.time()) if seen else "Nothing is known of it."
        return warning(
            self._what,
            f"After {self._ground.patience:.0f} s the {self.noun} had not reported, so the node "
            f"was not looked at. {words}",
            "Check again when the partition is less busy, or with a longer --wait.",
        )

    async def _ended(self) -> Finding:
        limit = time.monotonic() + END_SECONDS
        while time.monotonic() < limit:
            seen = await self._seen()
            if seen and seen.stage is Stage.ENDED:
                return ok(self._what, "It was cancelled, and ended.")
            await asyncio.sleep(1)
        return warning(
            self._what,
            f"The {self.noun} {self._job} was cancelled, and nobody saw it end in {END_SECONDS} s.",
            self.endless(self._job),
        )
