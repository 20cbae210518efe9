"""Pages that show what there is: a user's own things, and an admin's."""

from __future__ import annotations

import time

from tornado.web import authenticated

from hpcbinderhub.builds.outlook import held_up
from hpcbinderhub.errors import Unavailable, UserError
from hpcbinderhub.launches.servers import ends_by, stopped
from hpcbinderhub.launches.serverstate import ServerState
from hpcbinderhub.usage import use_since

from ..models import ImageModel, StoreModel
from .base import ADMIN_SCOPE, LAUNCH_SCOPE, UserHandler, server_url
from .pages import PageHandler, running_servers, sharing

LAUNCHES = 20
STOPPED = 5
BUILDS = 20
IMAGES = 50
USE_SECONDS = 30 * 86_400.0


class MinePage(PageHandler):
    """What the caller runs and could run again, has had built, has launched and has pushed; what
    she has entered and consented to. Her workspaces come as a part of their own."""

    @authenticated
    async def get(self) -> None:
        """See the class."""
        user = self.require(LAUNCH_SCOPE)
        services = self.services
        launches = await services.book.of_user(user, LAUNCHES)
        servers = await running_servers(self, user)
        states, ended = await self._states(user)
        for server in servers:
            launch = server["launch"]
            server["state"] = states.get(server["name"])
            server["ends"] = ends_by(launch, services.site.profiles) if launch else None
        self.render_page(
            "mine.html",
            servers=servers,
            sharing=await sharing(self, user),
            ended=ended,
            stopped=stopped(launches, [server["name"] for server in servers])[:STOPPED],
            environments=await services.catalogue.newest(IMAGES, seen_by=user, used_by=user),
            building=await self._building(user),
            launches=launches,
            pushed=await services.pushed.of_user(user),
            takes_credentials=services.credentials.offered,
            credentials=await services.credentials.of_user(user),
            consents=await services.consents.of_user(user),
        )

    async def _states(self, user: str) -> tuple[dict[str, ServerState], dict[str, ServerState]]:
        """How servers are, by name, and how those of earlier launches ended, by launch: as far as
        the hub can say so now."""
        try:
            alive, ended = await self.services.hub.states(user)
        except (UserError, Unavailable):
            return {}, {}
        return {one.name: one for one in alive}, {one.launch: one for one in reversed(ended)}

    async def _building(self, user: str) -> dict[str, str]:
        """The builds that are under way, by their keys."""
        found = {}
        for state in ("queued", "running"):
            for build in await self.services.queue.newest(seen_by=user, state=state, limit=IMAGES):
                found[build.key] = build.id
        return found


class WorkspacesPart(PageHandler):
    """The caller's workspaces, for the page above: the cluster may take its time to tell."""

    async def get(self) -> None:
        """See the class."""
        user = self.require(LAUNCH_SCOPE)
        workspaces, storage = await self.services.workspaces.of_user(user)
        hub = self.settings["hub_base_url"]
        self.render_page(
            "workspaces.html",
            workspaces=workspaces,
            storage=storage,
            urls={
                one.server: server_url(hub, user, one.server) for one in workspaces if one.server
            },
        )

    # As the API answers: a script reads it.
    write_error = UserHandler.write_error


class AdminPage(PageHandler):
    """The queue, the images and the health of the site."""

    @authenticated
    async def get(self) -> None:
        """See the class."""
        self.require(ADMIN_SCOPE)
        queue, catalogue = self.services.queue, self.services.catalogue
        totals = await catalogue.totals()
        self.render_page(
            "admin.html",
            health=await self.services.health.report(),
            lengths=await queue.lengths(),
            paused=await queue.paused(),
            held_up=await held_up(queue, self.services.workers, self.services.builders),
            people=await self.services.database.run(use_since, time.time() - USE_SECONDS),
            builds=await queue.newest(seen_by=None, limit=BUILDS),
            images=[
                ImageModel.of(image, totals)
                for image in await catalogue.newest(IMAGES, seen_by=None)
            ],
            store=StoreModel.of(totals, self.services.site),
        )
