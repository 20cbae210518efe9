"""A user's workspaces: what there is, for how long, and what a launch would meet."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass

from ..errors import UserError
from ..repos.access import Access
from ..repos.repositories import Repositories
from ..repos.spec import RepoSpec
from ..site import Site
from ..slurm.cluster import Cluster
from ..slurm.folders import Folder, Room
from ..workspaces import root_of, shelf, workspace_name
from .hub import Hub
from .options import Existing
from .records import Launch, LaunchBook, State

DAY = 24 * 3600.0
LAUNCHES = 1000
"""As far back as the launch that a workspace was last used by is looked for."""


@dataclass(frozen=True)
class Workspace(Folder):
    """One workspace, and what the hub knows of it."""

    last_used: float
    launch: str | None
    """The newest launch whose server worked in it."""

    server: str | None
    """The server that works in it now."""

    purge: float | None
    """When the site may begin to remove what lies there; None if it never does."""

    purge_soon: bool


@dataclass(frozen=True)
class Opening:
    """What a launch would find: a workspace that is not at its commit, and what may become of it;
    no choices if there is nothing to ask."""

    commit: str | None = None
    workspace: Folder | None = None
    choices: tuple[Existing, ...] = ()


class Workspaces:
    """Everybody's workspaces, each for its own user."""

    def __init__(
        self,
        site: Site,
        book: LaunchBook,
        cluster: Cluster,
        hub: Hub,
        repositories: Repositories,
        access: Access,
        clock: Callable[[], float] = time.time,
    ):
        self._site = site
        self._book = book
        self._cluster = cluster
        self._hub = hub
        self._repositories = repositories
        self._access = access
        self._clock = clock

    async def of_user(self, user: str) -> tuple[list[Workspace], Room | None]:
        """A user's workspaces, the last used first, and the storage that they are on."""
        folders, room = await self._cluster.workspaces(user, await self._shelf(user))
        latest: dict[str, Launch] = {}
        for launch in await self._book.of_user(user, LAUNCHES):
            if launch.state is State.READY:
                latest.setdefault(launch.workspace, launch)
        working = await self._working(user)
        found = [
            self._known(folder, latest.get(folder.name), working.get(folder.name))
            for folder in folders
        ]
        return sorted(found, key=lambda one: one.last_used, reverse=True), room

    async def delete(self, user: str, name: str, *, force: bool) -> None:
        """Delete a workspace that no server works in; what is nowhere else only with `force`."""
        if name in await self._working(user):
            raise UserError(
                "A server of yours works in this workspace.",
                "Stop it first; then delete the workspace.",
                status=409,
            )
        await self._cluster.delete_workspace(user, await self._shelf(user), name, force=force)

    async def opening(self, user: str, spec: RepoSpec) -> Opening:
        """What a launch of this would find, and the choices that it leaves."""
        name = workspace_name(spec.repo_url)
        shelf = await self._shelf(user)
        folders, _ = await self._cluster.workspaces(user, shelf, name, measure=False)
        if not folders:
            return Opening()
        (folder,) = folders
        commit, reader = await self._access.open(spec, user)
        if folder.commit == commit:
            return Opening()
        forward = (
            folder.changes == 0
            and folder.branch in ("", spec.ref)
            and await self._descends(spec, commit, folder.commit, reader)
        )
        other = Existing.UPDATE if forward else Existing.BESIDE
        return Opening(commit, folder, (Existing.KEEP, other))

    async def _descends(
        self, spec: RepoSpec, commit: str, earlier: str | None, reader: str | None
    ) -> bool:
        if earlier is None:
            return False
        await self._repositories.fetch(spec, commit, reader)
        return await self._repositories.git.descends(spec.repo_url, commit, earlier, reader)

    async def _shelf(self, user: str) -> str:
        member = await self._cluster.member(user)
        return str(shelf(root_of(self._site.workspace_root, member.account)))

    async def _working(self, user: str) -> dict[str, str]:
        """The servers that run or start, by the workspaces that they work in."""
        found = {}
        for server, _ready in await self._hub.servers(user):
            launch = await self._book.of_server(user, server)
            if launch:
                found[launch.workspace] = server
        return found

    def _known(self, folder: Folder, launch: Launch | None, server: str | None) -> Workspace:
        last_used = max(folder.newest or 0.0, launch.changed if launch else 0.0)
        days = self._site.workspace_purge_days
        purge = last_used + days * DAY if days else None
        notice = self._site.workspace_purge_notice_days * DAY
        return Workspace(
            **asdict(folder),
            last_used=last_used,
            launch=launch.id if launch else None,
            server=server,
            purge=purge,
            purge_soon=purge is not None and purge - notice < self._clock(),
        )
