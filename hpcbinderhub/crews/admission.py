"""Whether a server's notebook may have the workers that it asks for: all that is checked before a
record is made, and what that record is."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable
from typing import Any

from ..errors import NotAllowed, UserError
from ..images.engines import engine_class
from ..launches.admission import Admission
from ..launches.hub import Hub
from ..launches.records import Launch
from ..profiles import Choices, Profile, Resources
from ..site import Site
from ..trust.grounds import Trust
from ..trust.policy import check_reach, check_repository
from .changes import grown
from .records import Crew
from .requests import CrewRequest
from .sizes import Share, share_of, spread


class CrewAdmission:
    """The checks of one site."""

    def __init__(
        self,
        site: Site,
        admission: Admission,
        hub: Hub,
        trust: Trust,
        clock: Callable[[], float] = time.time,
    ):
        self._site = site
        self._admission = admission
        self._hub = hub
        self._trust = trust
        self._clock = clock

    async def checked(self, launch: Launch, groups: Iterable[str], request: CrewRequest) -> Crew:
        """The crew that may be made of a request."""
        profile = self.profile(launch, groups, request.profile)
        chosen = request.per_node()
        share = share_of(node_of(profile, chosen), request.threads)
        await self.check_server(launch)
        await self._trust.check(launch.user, launch.repo_url, launch.reach)
        account = await self._account(launch, profile, request.account)
        chosen = chosen.model_copy(update={"account": account})
        return self._crew(launch, profile, request, chosen, share)

    def profiles(self, launch: Launch, groups: Iterable[str]) -> list[Profile]:
        """Those that the server may have workers under, its own first."""
        found = [p for p in self._site.profiles if p.visible_to(groups) and self._fits(launch, p)]
        return sorted(found, key=lambda profile: profile.name != launch.profile)

    def profile(self, launch: Launch, groups: Iterable[str], name: str | None) -> Profile:
        """The one of that name, or the first; or a sentence that says why it cannot be had."""
        offered = [profile for profile in self._site.profiles if profile.visible_to(groups)]
        known: Profile | None = next((p for p in offered if p.name == name), None)
        if known:
            self._check(launch, known)
            return known
        fitting = self.profiles(launch, groups)
        if name is None and fitting:
            return fitting[0]
        names = ", ".join(profile.name for profile in fitting)
        what = f"There is no profile “{name}” for you" if name else "There is no profile for you"
        raise NotAllowed(
            f"{what} that gives nodes to workers.",
            f"Choose one of: {names}." if names else "Ask your help desk for one.",
        )

    async def check_server(self, launch: Launch) -> None:
        """Refuse what no running server can have asked for."""
        model = await self._hub.server(launch.user, launch.server)
        if not runs(model, launch.id):
            raise UserError(
                "Workers belong to a running server, and this one is over.",
                "Launch again, and ask for workers there.",
                status=409,
            )

    def _fits(self, launch: Launch, profile: Profile) -> bool:
        try:
            self._check(launch, profile)
        except UserError:
            return False
        return True

    def _check(self, launch: Launch, profile: Profile) -> None:
        """Refuse a profile under which this server's image cannot have workers."""
        if profile.spawner != "batch" or profile.worker_nodes < 1:
            raise NotAllowed(
                f"The profile “{profile.title}” gives no nodes to workers.",
                "Choose another: Workers.offer() lists those that do.",
            )
        engine = engine_class(profile.engine)
        check_repository(profile, launch.spec, launch.repo_url)
        check_reach(self._site, profile, engine, launch.reach)
        engine.check(launch.private)

    async def _account(self, launch: Launch, profile: Profile, wanted: str | None) -> str | None:
        """What is charged: what is wanted, or what the server is charged to where that may be."""
        member = await self._admission.member(launch.user)
        hers = member.slurm_accounts
        if wanted is None and launch.account in profile.chargeable(hers):
            return launch.account
        return profile.account(wanted, hers, member.default_account)

    def _crew(
        self, launch: Launch, profile: Profile, request: CrewRequest, chosen: Choices, share: Share
    ) -> Crew:
        now = self._clock()
        crew = Crew(
            id=new_id(now),
            launch=launch.id,
            user=launch.user,
            server=launch.server,
            name=request.name,
            profile=profile.name,
            form=profile.worker_form,
            choices=chosen,
            per_node=share.per_node,
            threads=share.threads,
            memory_mb=share.memory_mb,
            gpus=node_of(profile, chosen).gpus,
            wanted_nodes=0,
            wanted_workers=0,
            keep=request.keep,
            replace=request.replace,
            created=now,
            changed=now,
        )
        whole = (share.per_node,) * (request.nodes or 0)
        workers = spread(request.workers, share.per_node) if request.workers else whole
        return grown(crew, new_id(now), workers)


def node_of(profile: Profile, chosen: Choices) -> Resources:
    """What each node is; how many there are is no matter of the profile's `nodes`."""
    return profile.resources(chosen).model_copy(update={"nodes": 1})


def runs(model: dict[str, Any] | None, launch: str) -> bool:
    """Whether the hub's model of a server is of this launch's, and of one that goes on."""
    if model is None or model.get("pending") == "stop":
        return False
    return bool((model.get("user_options") or {}).get("launch") == launch)


def new_id(now: float) -> str:
    """For a crew or a batch: like a launch's, since a batch has a folder beside launches'."""
    return f"{int(now):08x}{secrets.token_hex(5)}"
