"""How the hub's own part of the work is doing, and how users' servers are."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from jupyterhub.apihandlers import APIHandler
from jupyterhub.scopes import needs_scope
from tornado import web

from hpcbinderhub.launches.serverstate import ServerState

from .facility import facility
from .imagebatch import ImageBatchSpawner


class WatcherHandler(APIHandler):  # type: ignore[misc]
    """GET: how many jobs are watched, and how long Slurm has not answered about them."""

    def get(self) -> None:
        """See the class. For everybody with a token of this hub: it names no job and no user."""
        if self.current_user is None:
            raise web.HTTPError(403)
        known = facility(self.config)
        answer = {
            "watched": known.watcher.watched,
            "silence": known.watcher.silence,
            "watch_as": known.site.watch_as,
            "pace": known.watcher.pace,
        }
        self.set_header("Content-Type", "application/json")
        self.finish(json.dumps(answer))


class ServersHandler(APIHandler):  # type: ignore[misc]
    """GET: how a user's servers are, and how her last ones ended. `ServerState` has the fields."""

    @needs_scope("read:servers")  # type: ignore[untyped-decorator]
    def get(self, user_name: str) -> None:
        """`{"servers": [...], "ended": [...]}`, for who may read all of this user's servers."""
        user = self.find_user(user_name)
        if user is None:
            raise web.HTTPError(404)
        answer = {
            "servers": [asdict(state) for state in states_of(user)],
            "ended": [asdict(state) for state in ends_of(user)],
        }
        self.set_header("Content-Type", "application/json")
        self.finish(json.dumps(answer))


def states_of(user: Any) -> list[ServerState]:
    """How each server of a user is."""
    return [state for state in (one.state() for one in _spawners_of(user)) if state]


def ends_of(user: Any) -> list[ServerState]:
    """How each of a user's servers ended last, the latest end first."""
    ends = [one.ended for one in _spawners_of(user) if one.ended]
    return sorted(ends, key=lambda end: end.ends, reverse=True)


def _spawners_of(user: Any) -> list[ImageBatchSpawner]:
    """What does the work for each server that has a state: a hub that was restarted may not have
    looked at it yet."""
    names = {name for name, known in user.orm_spawners.items() if known.state}
    chosen = [user.spawners[name] for name in sorted(names | set(user.spawners))]
    spawners = [getattr(one, "child_spawner", one) for one in chosen]
    return [one for one in spawners if isinstance(one, ImageBatchSpawner)]


handlers = [
    (r"/api/hpcbinderhub/watcher", WatcherHandler),
    (r"/api/hpcbinderhub/servers/([^/]+)", ServersHandler),
]
