"""The content of a launch, for the job that runs it and for nobody else."""

from __future__ import annotations

from tornado.web import HTTPError

from hpcbinderhub.errors import NotAllowed

from .base import CONTENT_SCOPE, UserHandler, found


class ContentHandler(UserHandler):
    """GET: a Git bundle. The token must be that of the launch's own server."""

    hub_scopes = None
    """A server's token may not open the service; `get` checks what it may."""

    async def get(self, launch_id: str) -> None:
        """See the class."""
        if not self.current_user:
            raise HTTPError(403)
        launch = found(await self.services.book.get(launch_id), "launch")
        scope = f"{CONTENT_SCOPE}!server={launch.user}/{launch.server}"
        if not self.hub_auth.check_scopes({scope}, self.current_user):
            raise NotAllowed("This content belongs to another server.")
        await self.send_file(
            await self.services.content.bundle(
                launch.repo_url, launch.ref, launch.commit, launch.reader
            )
        )
