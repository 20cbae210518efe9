"""What the service asks of the hub, against a small hub of the test's."""

from __future__ import annotations

import json

import pytest
from tornado import web
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port

from hpcbinderhub.launches import hub as client
from hpcbinderhub.launches.hub import Hub


class SlowToStop:
    """A hub whose server still stops when it is looked at for the first three times."""

    looks = 0

    def application(self) -> web.Application:
        """Its API."""
        hub = self

        class Server(web.RequestHandler):
            def delete(self) -> None:
                self.set_status(202)

        class User(web.RequestHandler):
            def get(self) -> None:
                hub.looks += 1
                stopping = {"lab": {"ready": False, "pending": "stop"}} if hub.looks < 4 else {}
                self.finish(json.dumps({"name": "alice", "servers": stopping}))

        return web.Application([("/users/alice/servers/lab", Server), ("/users/alice", User)])


async def test_who_stops_a_server_hears_of_it_when_it_is_gone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(client, "STOP_LOOK_SECONDS", 0.01)
    slow = SlowToStop()
    socket, port = bind_unused_port()
    server = HTTPServer(slow.application())
    server.add_socket(socket)
    await Hub(f"http://127.0.0.1:{port}", "token").stop("alice", "lab")
    server.stop()
    assert slow.looks == 4
