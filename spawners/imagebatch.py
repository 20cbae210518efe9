"""A user's server in a container image, as a Slurm job."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

from batchspawner import SlurmSpawner
from traitlets import Any as AnyTrait
from traitlets import default

from hpcbinderhub.errors import NotAllowed, Unavailable, UserError
from hpcbinderhub.images.engines import Engine, engine_named
from hpcbinderhub.launches.grant import grant_of
from hpcbinderhub.launches.options import parse_options
from hpcbinderhub.launches.plan import Plan, plan_of
from hpcbinderhub.launches.serverstate import ServerState
from hpcbinderhub.launches.submission import submission_of
from hpcbinderhub.profiles import Profile
from hpcbinderhub.slurm.cluster import Submission
from hpcbinderhub.slurm.extension import extend
from hpcbinderhub.slurm.jobs import Stage
from hpcbinderhub.slurm.words import Ending
from hpcbinderhub.trust.policy import check_reach

from .claims import check_ticket, kept, recognised, running_job
from .defaults import ClusterDefaults
from .endings import PUT_BACK, REPLACED, STOPPED
from .errors import refusing
from .held import HeldJob
from .news import PolledOnNews
from .patience import patiently
from .record import JobRecord, commit_state, digest
from .saying import Sayings
from .session import seconds_left, terms_of, unused
from .situation import ending_of, state_of
from .starting import Starting
from .stopping import stopped
from .turns import Pace

Answer = TypeVar("Answer")


class ImageBatchSpawner(ClusterDefaults, PolledOnNews, SlurmSpawner):  # type: ignore[misc]
    """Runs an artefact with a container engine in a Slurm job.

    Of batchspawner it keeps the contract and the traits; how a job is submitted, watched and found
    again is the library's. The only request that is understood is `LaunchOptions`.
    """

    api_token: str
    keep_state = AnyTrait(help="Called when the state must be in the database before going on.")

    on_news = AnyTrait(help="Called when the job is another than it was.")

    @default("on_news")
    def _poll_oneself(self) -> Callable[[], None]:
        return self.poll_now

    @default("keep_state")
    def _keep_own_state(self) -> Callable[[], None]:
        def keep() -> None:
            commit_state(self.orm_spawner, self.get_state())

        return keep

    def __init__(self, *args: Any, **kwargs: Any):
        self._sayings = Sayings()
        self._starting: Starting | None = None
        self._pace = Pace()
        self.asked = False
        """Whether this hub was asked for a start, whatever came of that."""
        super().__init__(*args, **kwargs)
        self._held = self._hold()

    # -- what another kind of server does otherwise --------------------------------------------

    def _hold(self) -> HeldJob:
        name, facility = self.user.name, self._facility
        return HeldJob(name, facility, lambda: self.keep_state(), lambda: self.on_news())

    def _submission(self, plan: Plan, engine: Engine, image: str) -> Submission:
        claim_url = self._callback_url("claim")
        return submission_of(plan, self._facility.site, engine, image, claim_url)

    def _engine(self, profile: Profile) -> Engine:
        return engine_named(profile.engine, self._facility.site, self._facility.cluster)

    # -- state ---------------------------------------------------------------------------------

    def load_state(self, state: dict[str, Any]) -> None:
        """Know the job again after a hub restart."""
        super().load_state(state)
        self._held.load(state)

    def get_state(self) -> dict[str, Any]:
        """The job, for as long as it may exist, and how the last one ended: JupyterHub keeps this
        for a server that has stopped, too, and drops it with the server's name."""
        return {**super().get_state(), **self._held.dump()}

    def clear_state(self) -> None:
        """JupyterHub calls this at every start, and for a server that it could not reach when it
        started. Neither ends the job, so neither forgets it: only `stop` and Slurm do."""
        super().clear_state()

    def user_env(self, env: dict[str, str]) -> dict[str, str]:
        """The hub's host has no account of the user; the compute node knows who she is."""
        return env

    @property
    def launch(self) -> str:
        """The launch whose job it has, if it has one."""
        return self._held.record.launch if self._held.record else ""

    # -- JupyterHub's contract -----------------------------------------------------------------

    async def start(self) -> str:
        """Submit the job, or find it again, and return the server's address when it answers."""
        self.asked = True
        with refusing():
            plan = await self._patiently(self._make_plan)
            self._starting = Starting(plan, self._held, self._facility, self._sayings)
            self.hub_connect_url = plan.profile.hub_url(self._facility.site.public_url)
            await self._end_other_job(plan.options.launch)
            self._sayings.notice = ""
            self._held.open(plan.options.launch, str(plan.where.launch), self.name)
            await self._submit_once(self._starting)
            return await self._starting.until_ready()

    async def poll(self) -> int | None:
        """None while the server may be alive. What Slurm cannot tell is not an end."""
        record = self._held.record
        if record is None:
            return 0
        if not self.asked and not record.url:
            # The hub was restarted while this was starting. To JupyterHub there is no server yet,
            # so that it tidies up without calling `stop`; the next start finds the job again. If
            # that start is refused, there is a job to stop.
            return 0
        job = self._held.seen()
        if job and job.stage is Stage.ENDED:
            self._held.over(ending_of(record, job))
            return 1
        if self._held.was_put_back():
            with suppress(Unavailable):
                await self._held.cancel(PUT_BACK, wait=False)
                return 1
        return None

    async def stop(self, now: bool = False) -> None:
        """Cancel the job and, unless in a hurry, wait until Slurm says that it has ended."""
        ending = stopped(self.user.name)
        if self._held.record and now:
            await self._held.cancel(ending, wait=False)
        elif self._held.record:
            await self._patiently(lambda: self._held.cancel(ending, wait=True))

    async def delete_forever(self) -> None:
        """A server that is removed leaves no job: not even one from before the hub was restarted,
        which JupyterHub takes for stopped."""
        await self._end_job(STOPPED)

    async def get_url(self) -> str:
        """Where the proxy finds the server: the hub's own end of the way to it, which a hub that
        starts anew opens here. Right after, it stops a server that does not answer."""
        if not (self._held.record and self._held.record.url):
            return str(await super().get_url())
        address = await self._held.open_way_in()
        await self._held.outlast_silence()
        return address

    async def progress(self) -> AsyncIterator[dict[str, Any]]:
        """What the page shows while the server starts."""
        async for event in self._sayings.events():
            yield event

    def state(self) -> ServerState | None:
        """How the server is, or None where there is none."""
        if self._held.record is None:
            return None
        now = self._facility.wall()
        return state_of(self._held.record, self._held.sight(), now, self._sayings.words)

    @property
    def ended(self) -> ServerState | None:
        """How the server ended last, if it ever did."""
        return self._held.ended

    @property
    def handed_out_token(self) -> str:
        """The API token that a job holds, so that JupyterHub can revoke it with the server."""
        return self._held.record.token if self._held.record else ""

    # -- steps of a start ----------------------------------------------------------------------

    async def _make_plan(self) -> Plan:
        groups = [group.name for group in self.user.groups]
        options = parse_options(self.user_options)
        facility = self._facility
        return await plan_of(options, groups, self.user.name, facility.site, facility.cluster)

    async def _end_other_job(self, launch: str) -> None:
        """A server of the same name may have left a job of an earlier launch behind."""
        if self._held.record and self._held.record.launch != launch:
            await self._end_job(REPLACED)

    async def _submit_once(self, starting: Starting) -> None:
        """Have the image made ready and the job submitted, if no earlier hub got as far."""
        plan, site = starting.plan, self._facility.site
        engine = self._engine(plan.profile)
        engine.check(plan.options.private)
        check_reach(site, plan.profile, engine, plan.options.reach)
        self._sayings.words = f"Making the image ready for {engine.name}."
        image = await self._patiently(
            lambda: engine.ensure(self.user.name, plan.options.artefact, plan.reader)
        )
        record = self._held.record
        if record and record.id:
            self.api_token = record.token or self.api_token
        else:
            await starting.submit(self._submission(plan, engine, image))

    async def _end_job(self, ending: Ending) -> None:
        if self._held.record:
            await self._patiently(lambda: self._held.cancel(ending, wait=False))

    async def _patiently(self, attempt: Callable[[], Awaitable[Answer]]) -> Answer:
        return await patiently(attempt, self._sayings)

    # -- the job's own calls -------------------------------------------------------------------

    async def claim(self, ticket: str, job_id: str, claimant: str) -> dict[str, Any]:
        """Exchange the launch's ticket for everything the job needs, its secrets among it."""
        held, site = self._held, self._facility.site
        self._claimable(ticket, job_id, claimant)
        async with self._pace.turn():
            record, starting = self._claimable(ticket, job_id, claimant)
            plan = starting.plan
            job = await running_job(record, self.user.name, plan.member.account.uid, held.queue)
            await held.watcher.learn(job, self.user.name)
        # While Slurm was asked, another may have been answered, or the server stopped.
        record, starting = self._claimable(ticket, job_id, claimant)
        self.api_token = record.token or self.api_token
        known = {"node": job.node, "started": job.started}
        held.update(claimed_by=digest(claimant), token=self.api_token, **known)
        starting.claimed()
        return grant_of(
            plan,
            site,
            env=self.get_env(),
            args=self.get_args(),
            ready_url=self._callback_url("ready"),
            tls=record.hop.for_the_server(),
            session=terms_of(plan.profile, site, job, self._callback_url("session")),
        )

    def _claimable(self, ticket: str, job_id: str, claimant: str) -> tuple[JobRecord, Starting]:
        record, starting = kept(self._held.record), self._starting
        if starting is None or not record.id:
            raise Unavailable("The hub does not know this job yet.")
        check_ticket(record, ticket, job_id, claimant)
        return record, starting

    async def report_ready(self, token: str, port: int, notice: str) -> None:
        """The server is about to listen. The host comes from Slurm, not from the caller. A notice
        is for the server's owner."""
        record = recognised(self._held.record, token)
        if not 1024 <= port <= 65535:
            raise UserError(f"{port} is not a port that a user's server can listen on.")
        self._held.close_way_in()
        url = f"https://{record.node}:{port}"
        self._held.update(url=url, hop=record.hop.without_the_servers())
        self._sayings.notice = notice
        if self._starting:
            self._starting.reported()

    async def time_left(self, token: str) -> float | None:
        """Seconds until Slurm ends the server's job; None if it does not say."""
        recognised(self._held.record, token)
        return seconds_left(self._held.seen())

    async def report_unused(self, token: str) -> None:
        """The server is about to end, since nothing runs in it."""
        recognised(self._held.record, token)
        self._held.update(ending=unused(self._profile()))

    async def report_run(self, token: str, exit_code: int, words: str) -> None:
        """The server is about to end, since the notebook has ended that it was started for."""
        recognised(self._held.record, token)
        self._held.update(ending=words, exit_code=exit_code)

    async def extend(self, token: str, minutes: int) -> float | None:
        """More time by the site's helper, within what the profile says; the seconds left then."""
        record, profile = recognised(self._held.record, token), self._profile()
        command = self._facility.site.extend_command
        if not command or profile is None or not 0 < minutes <= profile.extend_minutes:
            raise NotAllowed("Servers of this profile cannot be extended by so much.")
        async with self._pace.turn():
            await extend(command, self.user.name, record.id, minutes)
        return seconds_left(await self._held.watcher.fresh(record.id, self.user.name))

    def _profile(self) -> Profile | None:
        """The running server's profile as it is now; none if the site has it no more."""
        name = parse_options(self.user_options).profile
        return next((p for p in self._facility.site.profiles if p.name == name), None)

    def _callback_url(self, what: str) -> str:
        # The default server has no name, and what lies between may make one slash of two.
        named = [quote(part, safe="") for part in (self.user.name, self.name) if part]
        api = urlsplit(self.hub.api_url).path.rstrip("/")
        return f"{self.hub_connect_url}{api}/hpcbinderhub/jobs/{'/'.join(named)}/{what}"
