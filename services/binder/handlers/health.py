"""Whether the service does its work."""

from __future__ import annotations

from .base import BaseHandler


class HealthHandler(BaseHandler):
    """GET: a table of checks; 503 when one that matters fails. For monitors and load balancers."""

    async def get(self) -> None:
        """See the class."""
        report = await self.services.health.report()
        self.answer(report, 200 if report["ok"] else 503)

    head = get
