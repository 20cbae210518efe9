"""The caller's running servers."""

from __future__ import annotations

from ..operations import operation
from .base import LAUNCH_SCOPE, UserHandler


class ServerHandler(UserHandler):
    """DELETE: stop one of the caller's servers."""

    @operation("Stop a server", scope=LAUNCH_SCOPE, answers={204: None})
    async def delete(self, server: str) -> None:
        """Ends its job. The workspace stays; a server that is not there is no error."""
        user = self.require(LAUNCH_SCOPE)
        await self.services.hub.stop(user, server)
        self.set_status(204)
