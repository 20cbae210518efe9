"""A launch that is given up while its server starts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from tornado import web
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port

from hpcbinderhub.database import Database
from hpcbinderhub.events import EventLog
from hpcbinderhub.launches import conductor as conducting
from hpcbinderhub.launches.conductor import Conductor
from hpcbinderhub.launches.hub import Hub
from hpcbinderhub.launches.options import Existing
from hpcbinderhub.launches.presence import Presence
from hpcbinderhub.launches.records import Launch, LaunchBook, Request, State
from hpcbinderhub.trust.reach import Reach


class BusyHub:
    """A hub that does not stop a server when it is asked for the first time, as JupyterHub does
    not while a start takes long to be interrupted."""

    def __init__(self) -> None:
        self.asked = 0
        self.heard = asyncio.Event()
        hub = self

        class Server(web.RequestHandler):
            def delete(self) -> None:
                hub.asked += 1
                hub.heard.set()
                self.set_status(500 if hub.asked == 1 else 204)

        self._server = HTTPServer(web.Application([("/users/alice/servers/lab", Server)]))
        socket, port = bind_unused_port()
        self._server.add_socket(socket)
        self.url = f"http://127.0.0.1:{port}"

    def stop(self) -> None:
        """Close it."""
        self._server.stop()


@pytest.fixture
async def hub() -> AsyncIterator[BusyHub]:
    made = BusyHub()
    yield made
    made.stop()


class Desk:
    """The conductor, with those of its parts that a cancel needs."""

    def __init__(self, database: Database, hub: BusyHub):
        self.book = LaunchBook(database)
        self.events = EventLog(database)
        nobody: Any = None
        self.conductor = Conductor(
            **dict.fromkeys(
                ("site", "queue", "environments", "admission", "trust", "publishing", "parts"),
                nobody,
            ),
            book=self.book,
            events=self.events,
            hub=Hub(hub.url, "token"),
            presence=Presence(60),
        )

    async def starting(self) -> Launch:
        """A launch whose server starts."""
        url = "https://example.org/x"
        launch = await self.book.add(
            Request(
                user="alice",
                server="lab",
                spec=f"git/{url}/HEAD",
                repo_url=url,
                ref="HEAD",
                profile="p",
                open="",
                workspace="tides",
                existing=Existing.KEEP,
                start_when_ready=False,
                reach=Reach.CLOSED,
            )
        )
        changed = await self.book.change(launch.id, State.RESOLVING, state=State.STARTING)
        assert changed
        return changed

    async def state(self, launch: Launch) -> State:
        """How far it is."""
        found = await self.book.get(launch.id)
        assert found
        return found.state


async def test_a_cancel_goes_on_until_the_hub_stops_the_server(
    database: Database, hub: BusyHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conducting, "FIRST_PAUSE", 0.01)
    desk = Desk(database, hub)
    launch = await desk.starting()
    await desk.conductor.cancel(launch)
    assert hub.asked == 2
    assert await desk.state(launch) is State.CANCELLED
    told = await desk.events.since(launch.stream, 0)
    assert [event.message for event in told] == ["Stopping what was started.", "Cancelled."]


async def test_a_cancel_outlives_the_service(database: Database, hub: BusyHub) -> None:
    desk = Desk(database, hub)
    launch = await desk.starting()
    cancelling = asyncio.create_task(desk.conductor.cancel(launch))
    await asyncio.wait_for(hub.heard.wait(), 60)
    cancelling.cancel()
    await desk.conductor.close()
    assert await desk.state(launch) is State.CANCELLING

    after = Desk(database, hub)
    await after.conductor.resume()
    told = [event async for event in after.events.follow(launch.stream, frozenset({"failed"}))]
    assert [event.message for event in told] == ["Stopping what was started.", "Cancelled."]
    assert await desk.state(launch) is State.CANCELLED
    assert hub.asked == 2
