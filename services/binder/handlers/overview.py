"""Pages that show what there is: a user's own things, and an admin's."""

from __future__ import annotations

import time

from tornado.web import authenticated

from hpcbinderhub.builds.outlook import held_up
from hpcbinderhub.usage import use_since

from ..models import ImageModel, StoreModel
from .base import ADMIN_SCOPE, LAUNCH_SCOPE
from .pages import PageHandler, running_servers

LAUNCHES = 20
BUILDS = 20
IMAGES = 50
USE_SECONDS = 30 * 86_400.0


class MinePage(PageHandler):
    """What the caller runs, has launched and has pushed; what she has entered and consented to."""

    @authenticated
    async def get(self) -> None:
        """See the class."""
        user = self.require(LAUNCH_SCOPE)
        self.render_page(
            "mine.html",
            servers=await running_servers(self, user),
            launches=await self.services.book.of_user(user, LAUNCHES),
            pushed=await self.services.pushed.of_user(user),
            takes_credentials=self.services.credentials.offered,
            credentials=await self.services.credentials.of_user(user),
            consents=await self.services.consents.of_user(user),
        )


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
            held_up=await held_up(queue, self.services.workers),
            people=await self.services.database.run(use_since, time.time() - USE_SECONDS),
            builds=await queue.newest(seen_by=None, limit=BUILDS),
            images=[
                ImageModel.of(image, totals)
                for image in await catalogue.newest(IMAGES, seen_by=None)
            ],
            store=StoreModel.of(totals, self.services.site),
        )
