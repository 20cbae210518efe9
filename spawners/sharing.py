"""To whom users have given their servers by JupyterHub's own sharing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from jupyterhub.apihandlers import APIHandler
from jupyterhub.scopes import get_scopes_for, needs_scope
from tornado import web

from hpcbinderhub.launches.sharing import Sharing


class SharingHandler(APIHandler):  # type: ignore[misc]
    """GET: whether a user may share her servers, and with whom she does."""

    @needs_scope("read:servers")  # type: ignore[untyped-decorator]
    def get(self, user_name: str) -> None:
        """`Sharing` has the fields. For who may read all of this user's servers."""
        user = self.find_user(user_name)
        if user is None:
            raise web.HTTPError(404)
        self.set_header("Content-Type", "application/json")
        self.finish(json.dumps(asdict(sharing_of(user))))


def sharing_of(user: Any) -> Sharing:
    """As the hub's database has it now."""
    scopes = get_scopes_for(user)
    given = {name: list(_given(server)) for name, server in user.orm_spawners.items()}
    return Sharing(
        may=any(scope.partition("!")[0] == "shares" for scope in scopes),
        given={name: people for name, people in given.items() if people},
    )


def _given(server: Any) -> Iterator[str]:
    """Those who may use a server, in words."""
    for share in server.shares:
        if not share.expired:
            yield share.user.name if share.user else f"the group {share.group.name}"
    for code in server.share_codes:
        if not code.expired:
            yield "whoever has your invitation"


handlers = [(r"/api/hpcbinderhub/sharing/([^/]+)", SharingHandler)]
