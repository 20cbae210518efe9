"""Whether a user may launch what she asks for: all that is checked before a record is made."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field, fields, replace

from ..errors import NotAllowed, Unavailable, UserError
from ..images.engines import engine_class
from ..profiles import Choices, Profile, find_profile
from ..repos.spec import RepoSpec
from ..site import Site
from ..slurm.cluster import Cluster
from ..slurm.members import Member
from ..trust.grounds import Trust
from ..trust.policy import check_reach, check_repository
from ..trust.reach import Reach
from ..workspaces import run_name, workspace_name
from .hub import Hub
from .options import Existing
from .records import Launch, Request
from .run import Run


@dataclass(frozen=True)
class Wish:
    """What the launch page or the API asks for, before anything is checked."""

    spec: RepoSpec
    profile: str
    choices: Choices = field(default_factory=Choices)
    open: str = ""
    start_when_ready: bool = False
    existing: Existing = Existing.KEEP
    reach: Reach = Reach.CLOSED
    consent: bool = False
    """The user's own word that the repository may reach so far; no link can give it."""

    run: Run | None = None
    """What is run without anybody at it; no link can ask for that either."""


class AlreadyRunning(UserError):
    """One server for a repository and a user is enough."""


class Admission:
    """The checks before a launch."""

    def __init__(self, site: Site, cluster: Cluster, hub: Hub, trust: Trust):
        self._site = site
        self._cluster = cluster
        self._hub = hub
        self._trust = trust

    async def member(self, user: str) -> Member:
        """The user on the cluster. One without an allocation is told so, before any build."""
        try:
            member = await self._cluster.member(user)
        except Unavailable as error:
            raise UserError(
                "The cluster cannot be asked about your account at the moment.",
                "Try again in a minute; if it goes on, tell your help desk.",
                detail=str(error),
                status=503,
            ) from error
        if self._site.require_association and not member.associations:
            raise NotAllowed(
                f"{user} has no allocation on this cluster: Slurm would refuse every job.",
                self._site.get_access,
            )
        return member

    async def checked(self, user: str, groups: Iterable[str], wish: Wish) -> Request:
        """A wish that may be granted."""
        name = workspace_name(wish.spec.repo_url)
        beside = wish.existing is Existing.BESIDE
        request = Request(
            user=user,
            # Several notebooks may run at once, and beside the server that is worked in.
            server=run_name(wish.spec.repo_url) if wish.run else name,
            spec=wish.spec.path,
            repo_url=wish.spec.repo_url,
            ref=wish.spec.ref,
            profile=wish.profile,
            **wish.choices.model_dump(),
            open=wish.open,
            start_when_ready=wish.start_when_ready or wish.run is not None,
            workspace=f"{name}-{secrets.token_hex(3)}" if beside else name,
            existing=wish.existing,
            reach=wish.reach,
            run=wish.run,
        )
        request = await self._settled(request, groups)
        await self._trust.check(user, wish.spec.repo_url, wish.reach, wish.consent)
        return request

    async def repeated(self, launch: Launch, groups: Iterable[str]) -> Request:
        """What a launch asked for, if it may be granted once more; its workspace stays as it is."""
        asked = {one.name: getattr(launch, one.name) for one in fields(Request)}
        request = Request(**asked | {"existing": Existing.KEEP})
        request = await self._settled(request, groups)
        await self._trust.check(request.user, request.repo_url, request.reach)
        return request

    async def profiles(self, user: str, groups: Iterable[str]) -> list[Profile]:
        """What the user is offered: by her groups, and by what she may charge if that is known."""
        seen = [profile for profile in self._site.profiles if profile.visible_to(groups)]
        try:
            accounts = (await self.member(user)).slurm_accounts
        except UserError:
            return seen
        return [one for one in seen if not one.accounts or one.chargeable(accounts)]

    async def _settled(self, request: Request, groups: Iterable[str]) -> Request:
        """The request with the account that it is charged to, if nothing speaks against it."""
        profile = find_profile(self._site.profiles, request.profile, groups)
        profile.resources(request.choices)
        check_repository(profile, request.spec, request.repo_url)
        check_reach(self._site, profile, engine_class(profile.engine), request.reach)
        member = await self.member(request.user)
        account = profile.account(request.account, member.slurm_accounts, member.default_account)
        running = await self._hub.server(request.user, request.server)
        if running:
            raise AlreadyRunning(
                "This repository is running already.",
                "Open it, or stop it first.",
                detail=str(running.get("url", "")),
                status=409,
            )
        return replace(request, account=account)
