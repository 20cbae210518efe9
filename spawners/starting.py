"""One start of a server: submitted, then followed until it listens, has died, or took too long."""

from __future__ import annotations

import asyncio

from hpcbinderhub.errors import Unavailable, UserError
from hpcbinderhub.launches.plan import Plan
from hpcbinderhub.slurm.cluster import Submission
from hpcbinderhub.slurm.jobs import Stage
from hpcbinderhub.slurm.watcher import Sight
from hpcbinderhub.slurm.words import Ending

from .endings import PUT_BACK, too_slow, waited_too_long
from .facility import Facility
from .held import HeldJob
from .patience import Patience, patiently
from .saying import Sayings
from .situation import ending_of, told

LISTEN_SECONDS = 0.1
LAST_LINES = 15
CLAIMED = "The container is up; fetching the repository's content."


class Starting:
    """The job of a plan, from before it is submitted until its server answers."""

    def __init__(self, plan: Plan, held: HeldJob, facility: Facility, sayings: Sayings):
        self.plan = plan
        self._held = held
        self._facility = facility
        self._sayings = sayings
        self._step = CLAIMED
        self._reported = asyncio.Event()

    # -- what the job's own calls tell ---------------------------------------------------------

    def claimed(self) -> None:
        """The job has its secrets."""
        self._says(CLAIMED)

    def reported(self) -> None:
        """The server is about to listen."""
        self._says("JupyterLab is starting.")
        self._reported.set()

    def _says(self, step: str) -> None:
        self._sayings.words = self._step = step

    # -- submitting ----------------------------------------------------------------------------

    async def submit(self, submission: Submission) -> None:
        """Submit, and try again while the cluster cannot be reached: the agent submits once.

        If an earlier hub got as far as submitting, the ticket is that one's; so what counts is the
        ticket that lies on the cluster's storage, and the agent says which.
        """
        self._sayings.words = "Waiting for its turn to be submitted."

        async def attempt() -> None:
            async with self._facility.submissions.turn(self._held.user):
                self._sayings.words = "Submitting the job."
                done = await self._held.queue.submit(self._held.user, submission)
            since = int(self._facility.wall())
            self._held.update(id=done.job, ticket_digest=done.ticket_digest, waiting_since=since)
            self._facility.leftovers.began(self._held.user, submission.directory)

        await patiently(attempt, self._sayings)

    # -- waiting -------------------------------------------------------------------------------

    async def until_ready(self) -> str:
        """The server's address for the proxy, or what ended the start."""
        patience = Patience(self.plan.profile, self._facility.clock, self._facility.wall)
        listening = asyncio.ensure_future(self._listening())
        try:
            while not listening.done():
                sight = self._held.sight()
                patience.saw(sight)
                self._say(sight)
                await self._check(sight, patience)
                news = asyncio.ensure_future(self._held.watcher.wait())
                await asyncio.wait([listening, news], return_when=asyncio.FIRST_COMPLETED)
                news.cancel()
            return listening.result()
        finally:
            listening.cancel()

    async def _listening(self) -> str:
        """The server's address, as soon as the server answers. JupyterHub's own look for it backs
        off, and would come seconds late."""
        record = self._held.record
        assert record is not None
        if not record.url:
            await self._reported.wait()
        while True:
            address = await self._held.open_way_in()
            if await self._held.answers():
                return address
            await asyncio.sleep(LISTEN_SECONDS)

    def _say(self, sight: Sight) -> None:
        """What Slurm says of the job; once it has claimed, its own steps, unless it is halted."""
        job, record = sight.job, self._held.record
        assert record is not None
        runs = job is not None and job.stage is Stage.RUNNING and not job.halted
        if record.claimed_by and runs and not sight.unknown:
            self._sayings.words = self._step
        elif job or sight.unknown:
            self._sayings.words = told(sight, self._facility.wall(), answers=False)

    async def _check(self, sight: Sight, patience: Patience) -> None:
        """Raise what ends the start, if anything does."""
        held, profile = self._held, self.plan.profile
        assert held.record is not None
        if sight.job and sight.job.stage is Stage.ENDED:
            raise await self._died()
        if held.was_put_back():
            raise await self._given_up(PUT_BACK, 502)
        if patience.is_over_in_queue(sight, held.record.waiting_since):
            raise await self._given_up(waited_too_long(profile), 504)
        if patience.is_over_on_node():
            raise await self._given_up(too_slow(profile), 504)

    # -- ends before it listens ----------------------------------------------------------------

    async def _died(self) -> UserError:
        record, job = self._held.record, self._held.seen()
        assert record is not None
        assert job is not None
        ending = ending_of(record, job)
        ran = bool(record.node or job.node)
        lines = await self._last_lines() if ran else ""
        self._held.over(ending)
        before = "before JupyterLab answered" if ran else "while it waited in the queue"
        sentence = f"The job ended {before}. {ending.sentence}"
        return UserError(sentence, ending.advice, detail=lines, status=502)

    async def _given_up(self, ending: Ending, status: int) -> UserError:
        lines = await self._last_lines()
        await patiently(lambda: self._held.cancel(ending, wait=False), self._sayings)
        return UserError(ending.sentence, ending.advice, detail=lines, status=status)

    async def _last_lines(self) -> str:
        user, directory = self._held.user, str(self.plan.where.log)
        try:
            text = await self._facility.cluster.log_tail(user, directory)
        except (Unavailable, UserError) as error:
            return f"(The job's log could not be read: {error})"
        return "\n".join(text.splitlines()[-LAST_LINES:])
