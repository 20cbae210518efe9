"""The content of a launch, for the job that runs it and for nobody else."""

from __future__ import annotations

import asyncio

from hpcbinderhub.errors import NotAllowed

from .base import CONTENT_SCOPE, UserHandler, found

CHUNK = 1 << 20


class ContentHandler(UserHandler):
    """GET: a Git bundle. The token must be that of the launch's own server."""

    @property
    def hub_scopes(self) -> set[str]:
        """A server's token may not open the service, only this."""
        return {CONTENT_SCOPE}

    async def get(self, launch_id: str) -> None:
        """See the class."""
        user = self.require(CONTENT_SCOPE)
        launch = found(await self.services.book.get(launch_id), "launch")
        server_scope = f"{CONTENT_SCOPE}!server={user}/{launch.server}"
        if launch.user != user or not self.hub_auth.check_scopes({server_scope}, self.current_user):
            raise NotAllowed("This content belongs to another server.")
        path = await self.services.content.bundle(launch.repo_url, launch.ref, launch.commit)
        self.set_header("Content-Type", "application/octet-stream")
        self.set_header("Cache-Control", "no-store")
        with await asyncio.to_thread(path.open, "rb") as bundle:
            while chunk := await asyncio.to_thread(bundle.read, CHUNK):
                self.write(chunk)
                await self.flush()
