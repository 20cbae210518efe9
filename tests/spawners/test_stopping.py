"""Who stopped a server, as its owner is told: JupyterHub's own address for it, over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import hpcbinderhub.spawners
import pytest
from hpcbinderhub.spawners.status import ends_of
from hpcbinderhub.spawners.stopping import StopHandler
from jupyterhub import orm, roles
from jupyterhub.apihandlers import default_handlers
from jupyterhub.apihandlers.users import UserServerAPIHandler
from jupyterhub.auth import DummyAuthenticator
from tornado import web
from tornado.httpclient import AsyncHTTPClient
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port

from .rig import SECONDS, Rig

Stop = Callable[[str], Awaitable[int]]


class Proxy:
    """One that has no routes."""

    async def delete_user(self, user: object, server: str) -> None:
        """None is there."""


@pytest.fixture
async def stop(rig: Rig) -> AsyncIterator[Stop]:
    """`stop(token)`: DELETE Alice's server."""
    settings = {
        **rig.users.settings,
        "db": rig.db,
        "users": rig.users,
        "cookie_secret": b"x" * 32,
        "proxy": Proxy(),
        "authenticator": DummyAuthenticator(),
        "slow_stop_timeout": SECONDS,
    }
    place = r"/hub/api/users/([^/]+)/servers/([^/]*)"
    socket, port = bind_unused_port()
    server = HTTPServer(web.Application([(place, StopHandler)], **settings))
    server.add_socket(socket)

    async def ask(token: str) -> int:
        address = f"http://127.0.0.1:{port}/hub/api/users/alice/servers/lab"
        header = {"Authorization": f"token {token}"}
        how = {"method": "DELETE", "headers": header, "request_timeout": SECONDS}
        return (await AsyncHTTPClient().fetch(address, **how)).code

    yield ask
    server.stop()


def token_of(rig: Rig, owner: orm.User | orm.Service) -> str:
    """One that may stop everybody's servers."""
    roles.create_role(rig.db, {"name": "stoppers", "scopes": ["delete:servers"]})
    roles.grant_role(rig.db, owner, "stoppers")
    return str(owner.new_api_token())


def service(rig: Rig, name: str) -> orm.Service:
    """One of the hub's."""
    made = orm.Service(name=name)
    rig.db.add(made)
    rig.db.commit()
    return made


def words(rig: Rig) -> list[str]:
    """How Alice's servers ended."""
    return [end.words for end in ends_of(rig.user("alice"))]


async def test_by_her_own_word(rig: Rig, stop: Stop) -> None:
    await rig.ready("alice")
    assert await stop(token_of(rig, rig.user("alice").orm_user)) == 204
    assert words(rig) == ["You stopped the server."]
    await rig.restart()
    assert words(rig) == ["You stopped the server."]


async def test_on_the_pages_of_ours(rig: Rig, stop: Stop) -> None:
    await rig.ready("alice")
    await stop(token_of(rig, service(rig, "binder")))
    assert words(rig) == ["You stopped the server."]


async def test_by_somebody_who_may(rig: Rig, stop: Stop) -> None:
    await rig.ready("alice")
    await stop(token_of(rig, rig.user("root").orm_user))
    (end,) = ends_of(rig.user("alice"))
    assert end.words == "root stopped the server."
    assert end.advice.startswith("Ask them")


async def test_by_another_service(rig: Rig, stop: Stop) -> None:
    await rig.ready("alice")
    await stop(token_of(rig, service(rig, "cull-idle")))
    assert words(rig) == ["The hub's service cull-idle stopped the server."]


async def test_by_the_hub_itself(rig: Rig) -> None:
    await rig.ready("alice")
    await rig.user("alice").stop("lab")
    assert words(rig) == ["The server was stopped from the hub."]


async def test_an_end_that_came_before_the_word_to_stop_is_told_as_it_was(
    rig: Rig, stop: Stop
) -> None:
    job = await rig.ready("alice")
    rig.slurm.end(job, "TIMEOUT")
    await rig.looked()
    await stop(token_of(rig, rig.user("alice").orm_user))
    assert words(rig) == ["The job reached its time limit."]


def test_the_hub_has_this_handler_and_not_the_plain_one() -> None:
    assert hpcbinderhub.spawners.ProfileSpawner
    places = [entry[0] for entry in default_handlers if entry[1] is StopHandler]
    assert places == [r"/api/users/([^/]+)/server", r"/api/users/([^/]+)/servers/([^/]*)"]
    assert not [entry for entry in default_handlers if entry[1] is UserServerAPIHandler]
