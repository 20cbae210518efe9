"""The caller's running servers."""

from __future__ import annotations

from .base import LAUNCH_SCOPE, UserHandler


class ServerHandler(UserHandler):
    """DELETE: stop one of the caller's servers."""

    async def delete(self, server: str) -> None:
        """See the class."""
        user = self.require(LAUNCH_SCOPE)
        await self.services.hub.stop(user, server)
        self.answer({})
