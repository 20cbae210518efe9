"""A user's server in a container image, as a Slurm job."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

from batchspawner import SlurmSpawner
from traitlets import Any as AnyTrait
from traitlets import default

from hpcbinderhub.errors import NotAllowed, Unavailable, UserError
from hpcbinderhub.images.engines import Engine, engine_named
from hpcbinderhub.launches.options import parse_options
from hpcbinderhub.launches.serverstate import ServerState
from hpcbinderhub.profiles import Profile
from hpcbinderhub.slurm.cluster import Queue, Submission
from hpcbinderhub.slurm.extension import extend
from hpcbinderhub.slurm.jobs import Job, Stage
from hpcbinderhub.slurm.script import job_name
from hpcbinderhub.slurm.watcher import Sight, Watcher
from hpcbinderhub.slurm.words import Ending
from hpcbinderhub.trust.policy import check_reach

from .defaults import ClusterDefaults
from .endings import PUT_BACK, REPLACED, STOPPED, too_slow, waited_too_long
from .errors import refusing
from .patience import Patience
from .plan import Plan, grant_of, plan_of, submission_of
from .record import JobRecord, commit_state
from .saying import Sayings
from .session import seconds_left, terms_of, why_it_ended
from .situation import ended, ending_of, state_of, told
from .wayin import WayIn

Answer = TypeVar("Answer")

CLOCK_SKEW_SECONDS = 600
LISTEN_SECONDS = 0.1
SLOWEST_RETRY_SECONDS = 30.0
END_SECONDS = 60.0
CLAIMED = "The container is up; fetching the repository's content."


class ImageBatchSpawner(ClusterDefaults, SlurmSpawner):  # type: ignore[misc]
    """Runs an artefact with a container engine in a Slurm job.

    Of batchspawner it keeps the contract and the traits; how a job is submitted, watched and found
    again is the library's. The only request that is understood is `LaunchOptions`.
    """

    api_token: str
    keep_state = AnyTrait(help="Called when the state must be in the database before going on.")

    @default("keep_state")
    def _keep_own_state(self) -> Callable[[], None]:
        def keep() -> None:
            commit_state(self.orm_spawner, self.get_state())

        return keep

    def __init__(self, *args: Any, **kwargs: Any):
        self._record: JobRecord | None = None
        self._plan: Plan | None = None
        self._reported = asyncio.Event()
        self._sayings = Sayings()
        self._step = CLAIMED
        self._way_in = WayIn()
        super().__init__(*args, **kwargs)

    # -- what it runs in -----------------------------------------------------------------------

    @property
    def _queue(self) -> Queue:
        """Who starts, finds and cancels jobs."""
        return self._facility.cluster

    @property
    def _watcher(self) -> Watcher:
        """Who knows how they are."""
        return self._facility.watcher

    def _submission(self, plan: Plan, engine: Engine, image: str) -> Submission:
        claim_url = self._callback_url("claim")
        return submission_of(plan, self._facility.site, engine, image, claim_url)

    def _engine(self, profile: Profile) -> Engine:
        return engine_named(profile.engine, self._facility.site, self._facility.cluster)

    # -- state ---------------------------------------------------------------------------------

    def load_state(self, state: dict[str, Any]) -> None:
        """Know the job again after a hub restart."""
        super().load_state(state)
        if state.get("job"):
            self._remember(JobRecord.model_validate(state["job"]))

    def get_state(self) -> dict[str, Any]:
        """The job, for as long as it may exist."""
        state: dict[str, Any] = super().get_state()
        if self._record:
            state["job"] = self._record.model_dump()
        return state

    def clear_state(self) -> None:
        """JupyterHub calls this at every start, and for a server that it could not reach when it
        started. Neither ends the job, so neither forgets it: only `stop` and Slurm do."""
        super().clear_state()

    def user_env(self, env: dict[str, str]) -> dict[str, str]:
        """The hub's host has no account of the user; the compute node knows who she is."""
        return env

    # -- JupyterHub's contract -----------------------------------------------------------------

    async def start(self) -> str:
        """Submit the job, or find it again, and return the server's address when it answers."""
        with refusing():
            self._plan = plan = await self._patiently(self._make_plan)
            self.hub_connect_url = plan.profile.hub_url(self._facility.site.public_url)
            await self._end_other_job(plan.options.launch)
            self._open_record(plan)
            engine = self._engine(plan.profile)
            engine.check(plan.options.private)
            check_reach(self._facility.site, plan.profile, engine, plan.options.reach)
            self._sayings.words = f"Making the image ready for {engine.name}."
            image = await self._patiently(
                lambda: engine.ensure(self.user.name, plan.options.artefact, plan.reader)
            )
            await self._submit(plan, engine, image)
            return await self._wait_until_ready(plan)

    async def poll(self) -> int | None:
        """None while the server may be alive. What Slurm cannot tell is not an end."""
        record = self._record
        if record is None:
            return 0
        if self._plan is None and not record.url:
            # The hub was restarted while this was starting. To JupyterHub there is no server yet,
            # so that it tidies up without calling `stop`; the next start finds the job again.
            return 0
        job = self._job()
        if job and job.stage is Stage.ENDED:
            self._over(ending_of(record, job), job)
            return 1
        if self._was_put_back(job):
            with suppress(Unavailable):
                await self._end_job(PUT_BACK, wait=False)
                return 1
        return None

    async def stop(self, now: bool = False) -> None:
        """Cancel the job and, unless in a hurry, wait until Slurm says that it has ended."""
        if self._record and now:
            await self._end_job(STOPPED, wait=False)
        elif self._record:
            await self._patiently(lambda: self._end_job(STOPPED, wait=True))

    async def delete_forever(self) -> None:
        """A server that is removed leaves no job: not even one from before the hub was restarted,
        which JupyterHub takes for stopped."""
        if self._record:
            await self._patiently(lambda: self._end_job(STOPPED, wait=False))

    async def get_url(self) -> str:
        """Where the proxy finds the server: the hub's own end of the way to it, which a hub that
        starts anew opens here."""
        known = self._record and self._record.url
        return await self._open_way_in() if known else str(await super().get_url())

    async def progress(self) -> AsyncIterator[dict[str, Any]]:
        """What the page shows while the server starts."""
        async for event in self._sayings.events():
            yield event

    def state(self) -> ServerState | None:
        """How the server is, or None where there is none."""
        if self._record is None:
            return None
        now = self._facility.wall()
        return state_of(self._record, self._sight(), now, self._sayings.words)

    @property
    def handed_out_token(self) -> str:
        """The API token that a job holds, so that JupyterHub can revoke it with the server."""
        return self._record.token if self._record else ""

    # -- the job's own calls -------------------------------------------------------------------

    async def claim(self, ticket: str, job_id: str) -> dict[str, Any]:
        """Exchange the launch's ticket for everything the job needs, its secrets among it."""
        record, plan = self._record, self._plan
        if record is None or plan is None or not record.id:
            raise Unavailable("The hub does not know this launch yet.")
        if not record.matches(ticket):
            raise NotAllowed("This is not the ticket of this launch.")
        if record.url or record.claimed_by not in ("", job_id):
            raise UserError("This launch was claimed already.", status=409)
        job = await self._check_claimant(record, plan, job_id)
        await self._watcher.learn(job)
        self.api_token = record.token or self.api_token
        self._update(claimed_by=job_id, token=self.api_token, node=job.node, started=job.started)
        self._sayings.words = self._step = CLAIMED
        site = self._facility.site
        return grant_of(
            plan,
            site,
            env=self.get_env(),
            args=self.get_args(),
            ready_url=self._callback_url("ready"),
            tls=record.hop.for_the_server(),
            session=terms_of(plan.profile, site, job, self._callback_url("session")),
        )

    async def report_ready(self, token: str, port: int, notice: str) -> None:
        """The server is about to listen. The host comes from Slurm, not from the caller. A notice
        is for the server's owner."""
        record = self._recognised(token)
        if not 1024 <= port <= 65535:
            raise UserError(f"{port} is not a port that a user's server can listen on.")
        self._way_in.close()
        self._update(url=f"https://{record.node}:{port}", hop=record.hop.without_the_servers())
        self._sayings.notice = notice
        self._sayings.words = self._step = "JupyterLab is starting."
        self._reported.set()

    async def time_left(self, token: str) -> float | None:
        """Seconds until Slurm ends the server's job; None if it does not say."""
        self._recognised(token)
        return seconds_left(self._job())

    async def report_ending(self, token: str, why: str) -> None:
        """The server is about to end by itself."""
        self._recognised(token)
        self._update(ending=why_it_ended(why, self._profile()))

    async def extend(self, token: str, minutes: int) -> float | None:
        """More time by the site's helper, within what the profile says; the seconds left then."""
        record, profile = self._recognised(token), self._profile()
        command = self._facility.site.extend_command
        if not command or profile is None or not 0 < minutes <= profile.extend_minutes:
            raise NotAllowed("Servers of this profile cannot be extended by so much.")
        await extend(command, self.user.name, record.id, minutes)
        return seconds_left(await self._watcher.fresh(record.id))

    def _recognised(self, token: str) -> JobRecord:
        """The record of the server whose token this is."""
        record = self._record
        if record is None or not record.token:
            raise Unavailable("The hub does not know this launch yet.")
        if not hmac.compare_digest(token, record.token):
            raise NotAllowed("This is not the token of this server.")
        return record

    def _profile(self) -> Profile | None:
        """The running server's profile as it is now; none if the site has it no more."""
        name = parse_options(self.user_options).profile
        return next((p for p in self._facility.site.profiles if p.name == name), None)

    # -- steps of a start ----------------------------------------------------------------------

    async def _make_plan(self) -> Plan:
        groups = [group.name for group in self.user.groups]
        options = parse_options(self.user_options)
        facility = self._facility
        return await plan_of(options, groups, self.user.name, facility.site, facility.cluster)

    def _open_record(self, plan: Plan) -> None:
        """The record of this launch's job, in the database before anything is submitted. A launch
        that has one already goes on with it."""
        self._reported = asyncio.Event()
        self._sayings.notice = ""
        if self._record is None:
            self._record = JobRecord(
                launch=plan.options.launch,
                directory=str(plan.where.launch),
                intended=int(self._facility.wall()),
                server=self.name,
            )
        self.keep_state()

    async def _submit(self, plan: Plan, engine: Engine, image: str) -> None:
        record = self._record
        assert record is not None
        if not record.id:
            await self._submit_once(self._submission(plan, engine, image))
        elif record.token:
            self.api_token = record.token
        if record.url:
            self._reported.set()

    async def _submit_once(self, submission: Submission) -> None:
        """Submit, and try again while the cluster cannot be reached: the agent submits once.

        If an earlier hub got as far as submitting, the ticket is that one's; so what counts is the
        ticket that lies on the cluster's storage, and the agent says which.
        """
        self._sayings.words = "Waiting for its turn to be submitted."

        async def attempt() -> None:
            async with self._facility.submissions:
                self._sayings.words = "Submitting the job."
                done = await self._queue.submit(self.user.name, submission)
            since = int(self._facility.wall())
            self._update(id=done.job, ticket_digest=done.ticket_digest, waiting_since=since)

        await self._patiently(attempt)

    async def _patiently(self, attempt: Callable[[], Awaitable[Answer]]) -> Answer:
        """Try again for as long as nothing is known, and say so."""
        pause = 1.0
        while True:
            try:
                return await attempt()
            except Unavailable as error:
                self._sayings.words = f"The cluster does not answer; trying again. ({error})"
                await asyncio.sleep(pause)
                pause = min(pause * 2, SLOWEST_RETRY_SECONDS)

    async def _wait_until_ready(self, plan: Plan) -> str:
        """Follow the job until its server listens, has died, or has taken too long."""
        patience = Patience(plan.profile, self._facility.clock, self._facility.wall)
        listening = asyncio.ensure_future(self._listening())
        try:
            while not listening.done():
                sight = self._sight()
                patience.saw(sight)
                self._say(sight)
                await self._check(plan, sight, patience)
                news = asyncio.ensure_future(self._watcher.wait())
                await asyncio.wait([listening, news], return_when=asyncio.FIRST_COMPLETED)
                news.cancel()
            return listening.result()
        finally:
            listening.cancel()

    def _say(self, sight: Sight) -> None:
        """What Slurm says of the job; once it has claimed, its own steps, unless it is halted."""
        job = sight.job
        runs = job is not None and job.stage is Stage.RUNNING and not job.halted
        if self._claimed() and runs and not sight.unknown:
            self._sayings.words = self._step
        elif job or sight.unknown:
            self._sayings.words = told(sight, self._facility.wall(), answers=False)

    async def _check(self, plan: Plan, sight: Sight, patience: Patience) -> None:
        """Raise what ends the start, if anything does."""
        record, job = self._record, sight.job
        assert record is not None
        if job and job.stage is Stage.ENDED:
            raise await self._died(plan, job)
        if self._was_put_back(job):
            raise await self._given_up(plan, PUT_BACK, 502)
        if patience.is_over_in_queue(sight, record.waiting_since):
            raise await self._given_up(plan, waited_too_long(plan.profile), 504)
        if patience.is_over_on_node():
            raise await self._given_up(plan, too_slow(plan.profile), 504)

    async def _listening(self) -> str:
        """The server's address for the proxy, as soon as the server answers. JupyterHub's own look
        for it backs off, and would come seconds late."""
        await self._reported.wait()
        while True:
            address = await self._open_way_in()
            if await self._way_in.answers():
                return address
            await asyncio.sleep(LISTEN_SECONDS)

    async def _open_way_in(self) -> str:
        assert self._record is not None
        address = await self._way_in.open(self._facility, self.user.name, self._record)
        if self._record.hop_port != self._way_in.port:
            self._update(hop_port=self._way_in.port)
        return address

    async def _died(self, plan: Plan, job: Job) -> UserError:
        assert self._record is not None
        ending = ending_of(self._record, job)
        ran = bool(self._record.node or job.node)
        lines = await self._last_lines(plan) if ran else ""
        self._over(ending, job)
        before = "before JupyterLab answered" if ran else "while it waited in the queue"
        sentence = f"The job ended {before}. {ending.sentence}"
        return UserError(sentence, ending.advice, detail=lines, status=502)

    async def _given_up(self, plan: Plan, ending: Ending, status: int) -> UserError:
        lines = await self._last_lines(plan)
        await self._patiently(lambda: self._end_job(ending, wait=False))
        return UserError(ending.sentence, ending.advice, detail=lines, status=status)

    async def _last_lines(self, plan: Plan) -> str:
        try:
            text = await self._facility.cluster.log_tail(self.user.name, str(plan.where.launch))
        except (Unavailable, UserError) as error:
            return f"(The job's log could not be read: {error})"
        return "\n".join(text.splitlines()[-15:])

    async def _end_other_job(self, launch: str) -> None:
        """A server of the same name may have left a job of an earlier launch behind."""
        if self._record and self._record.launch != launch:
            await self._patiently(lambda: self._end_job(REPLACED, wait=False))

    # -- the job -------------------------------------------------------------------------------

    async def _end_job(self, ending: Ending, wait: bool) -> None:
        """Cancel the job, and forget it when that was heard. One whose submission is still on its
        way is waited for, and found."""
        record = self._record
        assert record is not None
        user, name = self.user.name, job_name(record.launch)
        job = record.id or await self._queue.find(user, name, record.directory)
        if job:
            await self._queue.cancel(user, job)
            if wait:
                await self._wait_for_end(job)
        self._over(ending, self._job())

    async def _wait_for_end(self, job: str) -> None:
        watcher, clock = self._watcher, self._facility.clock
        watcher.follow(job, self.user.name)
        try:
            limit, pause = clock() + END_SECONDS, 0.5
            while clock() < limit:
                seen = await watcher.fresh(job)
                if seen and seen.stage is Stage.ENDED:
                    return
                await asyncio.sleep(pause)
                pause = min(pause * 2, 2.0)
            self.log.warning("Job %s was cancelled but has not ended in %s s", job, END_SECONDS)
        finally:
            watcher.forget(job)

    def _job(self) -> Job | None:
        return self._watcher.job(self._record.id) if self._record else None

    def _sight(self) -> Sight:
        assert self._record is not None
        return self._watcher.sight(self._record.id)

    def _was_put_back(self, job: Job | None) -> bool:
        """Whether Slurm took a job that had claimed from its node, to start it once more."""
        record = self._record
        if job is None or record is None or not record.claimed_by:
            return False
        again = job.stage is Stage.RUNNING and 0 < record.started < job.started
        return again or job.stage is Stage.PENDING

    def _claimed(self) -> bool:
        return bool(self._record and self._record.claimed_by)

    async def _check_claimant(self, record: JobRecord, plan: Plan, job_id: str) -> Job:
        """The job that was submitted for this launch, running, and the user's own; its name is
        nothing to go by, since users can change it."""
        if job_id != record.id:
            raise NotAllowed("This ticket belongs to another job.")
        job = await self._queue.certain(self.user.name, job_id)
        if job is None or job.stage is Stage.PENDING or not job.node:
            raise Unavailable("Slurm does not say yet that this job runs.")
        ours = (
            job.uid == plan.member.account.uid
            and job.submitted >= record.intended - CLOCK_SKEW_SECONDS
        )
        if not ours or job.stage is not Stage.RUNNING:
            raise NotAllowed("Slurm knows this job as another one.")
        if record.claimed_by and job.started != record.started:
            raise UserError("An earlier run of this job claimed the launch.", status=409)
        return job

    def _callback_url(self, what: str) -> str:
        names = f"{quote(self.user.name, safe='')}/{quote(self.name, safe='')}"
        api = urlsplit(self.hub.api_url).path.rstrip("/")
        return f"{self.hub_connect_url}{api}/hpcbinderhub/jobs/{names}/{what}"

    def _remember(self, record: JobRecord) -> None:
        self._record = record
        if record.id:
            self._watcher.follow(record.id, self.user.name)

    def _update(self, **values: Any) -> None:
        assert self._record is not None
        if values.get("id"):
            self._watcher.follow(values["id"], self.user.name)
        self._record = self._record.model_copy(update=values)
        self.keep_state()

    def _over(self, ending: Ending, job: Job | None) -> None:
        """Forget the job, and keep how it ended."""
        assert self._record is not None
        state = ended(self._record, ending, job, self._facility.wall())
        self._facility.endings.add(self.user.name, state)
        self._forget()

    def _forget(self) -> None:
        self._way_in.close()
        if self._record and self._record.id:
            self._watcher.forget(self._record.id)
        self._record = self._plan = None
