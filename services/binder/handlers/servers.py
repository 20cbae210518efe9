"""The caller's running servers."""

from __future__ import annotations

from ..operations import operation
from .base import LAUNCH_SCOPE, UserHandler


class ServerHandler(UserHandler):
    """DELETE: stop one of the caller's servers."""

    @operation("Stop a server", scope=LAUNCH_SCOPE, answers={204: None})
    async def delete(self, server: str) -> None:
        """Ends its job, and its workers, and removes its name: nothing keeps its image from going.
        The workspace stays; a server that is not there is no error. An empty name is that of
        JupyterHub's default server, which cannot be removed."""
        user = self.require(LAUNCH_SCOPE)
        await self.services.hub.stop(user, server, keep=not server)
        await self.services.crews.server_stopped(user, server)
        self.set_status(204)
