"""Whether the service does its work."""

from __future__ import annotations

from sqlalchemy import Connection, text

from .base import BaseHandler


class HealthHandler(BaseHandler):
    """GET: 200 if the database answers. For load balancers and `make demo`."""

    async def get(self) -> None:
        """See the class."""
        await self.services.database.run(_select_one)
        self.answer({"ok": True})


def _select_one(connection: Connection) -> None:
    connection.execute(text("SELECT 1"))
