"""Numbers for Prometheus."""

from __future__ import annotations

from prometheus_client import CONTENT_TYPE_LATEST
from tornado.web import HTTPError

from hpcbinderhub.errors import NotAllowed

from .base import UserHandler

METRICS_SCOPE = "read:metrics"


class MetricsHandler(UserHandler):
    """GET: all numbers, for whoever may read JupyterHub's own."""

    hub_scopes = None
    """A scraper's token opens this and need not open the service."""
    allow_all = True

    async def prepare(self) -> None:
        """Ask the hub who this is, unless the site lets everybody read."""
        if self.services.site.authenticate_metrics:
            await super().prepare()

    async def get(self) -> None:
        """See the class."""
        if self.services.site.authenticate_metrics:
            if not self.current_user:
                raise HTTPError(403)
            if not self.hub_auth.check_scopes({METRICS_SCOPE}, self.current_user):
                raise NotAllowed(
                    f"This needs the scope {METRICS_SCOPE}.", "Ask for a token that holds it."
                )
        self.set_header("Content-Type", CONTENT_TYPE_LATEST)
        self.set_header("Cache-Control", "no-store")
        self.finish(await self.services.metrics.text())
