"""What `/hub/spawn` leads to: environments to start a server from."""

from __future__ import annotations

from tornado.web import authenticated

from hpcbinderhub.launches.servers import recent

from .base import LAUNCH_SCOPE
from .pages import PageHandler, running_servers

LAUNCHES = 100
SHOWN = 10


class RecentPage(PageHandler):
    """The caller's recent environments and the site's own; with `?server=`, that one's first."""

    @authenticated
    async def get(self) -> None:
        """Starts nothing by itself."""
        user = self.require(LAUNCH_SCOPE)
        wanted = self.get_query_argument("server", "")
        launches = recent(await self.services.book.of_user(user, LAUNCHES), wanted)
        active = {server["name"]: server for server in await running_servers(self, user)}
        self.render_page(
            "recent.html",
            launches=launches[:SHOWN],
            active=active,
            wanted=wanted,
            known=any(launch.server == wanted for launch in launches),
        )
