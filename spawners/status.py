"""How the hub's own part of the work is doing, for the service's `/health`."""

from __future__ import annotations

import json

from jupyterhub.apihandlers import APIHandler
from tornado import web

from .facility import facility


class WatcherHandler(APIHandler):  # type: ignore[misc]
    """GET: how many jobs are watched, and how long Slurm has not answered about them."""

    def get(self) -> None:
        """See the class. For everybody with a token of this hub: it names no job and no user."""
        if self.current_user is None:
            raise web.HTTPError(403)
        watcher = facility(self.config).watcher
        self.set_header("Content-Type", "application/json")
        self.finish(json.dumps({"watched": watcher.watched, "silence": watcher.silence}))


handlers = [(r"/api/hpcbinderhub/watcher", WatcherHandler)]
