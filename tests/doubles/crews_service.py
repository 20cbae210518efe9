"""The service for workers, without a hub and without Slurm: it keeps the contract of `api/crews`,
and what a test tells it to happen, happens. Its nodes are processes of this machine.

It runs in a thread with an event loop of its own, as a service on another host would.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import math
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Any, Protocol, TypeVar

from tornado import web
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets

T = TypeVar("T")

TOKEN = "token-of-the-server"
LAUNCH = "k3v9launch"


class Nodes(Protocol):
    """What runs on a node that Slurm has given."""

    def start(self, grant: Mapping[str, Any]) -> None:
        """Begin what the grant says."""

    def end(self, node: str) -> None:
        """As `scancel` does."""


class Refusal(Exception):
    """What the service says no with."""

    def __init__(self, status: int, message: str, advice: str = "", detail: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.body = {"message": message, "advice": advice, "detail": detail}


class CrewsService:
    """One service with one launch."""

    def __init__(
        self, keys: Mapping[str, str], nodes: Nodes | None = None, token: str = TOKEN
    ) -> None:
        self.keys = dict(keys)
        self.token = token
        self.nodes = nodes
        self.per_node, self.max_nodes = 2, 8
        self.crews: dict[str, dict[str, Any]] = {}
        self.asked: list[str] = []
        """Every call, as METHOD and path."""
        self.closed: list[tuple[str, str]] = []
        """Which crew was closed, and why."""
        self.cancelled: list[list[str]] = []
        """The nodes of each `scancel`."""
        self.held = False
        """Whether Slurm leaves what is submitted in the queue."""
        self.refused_by = ""
        """Slurm's words, with which it refuses what is submitted."""
        self.broken_polls = 0
        """How many of the next polls break off without an answer."""
        self._ids, self._jobs = itertools.count(1), itertools.count(101)
        self._changed: asyncio.Event
        self._loop: asyncio.AbstractEventLoop
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self._started.wait()

    @property
    def environment(self) -> dict[str, str]:
        """What the hub gives to a server."""
        return {
            "HPCBINDER_CREWS_URL": f"http://127.0.0.1:{self._port}/api/crews/{LAUNCH}",
            "JUPYTERHUB_API_TOKEN": self.token,
        }

    def stop(self) -> None:
        """As when it is restarted: nobody listens, and what was asked breaks off."""
        self.within(self._close)

    def start(self) -> None:
        """At the same address as before."""
        self.within(self._listen)

    def end(self) -> None:
        """For good."""
        self.stop()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def within(self, what: Callable[..., T], *args: Any) -> T:
        """Do it where the service's own requests are answered."""
        done: Future[T] = Future()

        def do() -> None:
            try:
                done.set_result(what(*args))
            except Exception as error:
                done.set_exception(error)

        self._loop.call_soon_threadsafe(do)
        return done.result(10)

    def run_nodes(self, crew: str, count: int = 1000) -> None:
        """Slurm starts so many of those that wait."""
        self.within(self._run_nodes, self._named(crew), count)

    def say(self, crew: str, node: str, **what: Any) -> None:
        """What Slurm says of a node from now on."""

        def change() -> None:
            found = self._named(crew)
            self._node(found, node).update(what)
            self._touch(found)

        self.within(change)

    def crew(self, name: str) -> dict[str, Any]:
        """As it is now."""
        return self.within(lambda: json.loads(json.dumps(self._named(name))))

    # What the contract says.

    def create(self, body: Mapping[str, Any]) -> dict[str, Any]:
        if any(c["name"] == body["name"] and c["state"] == "open" for c in self.crews.values()):
            raise Refusal(
                409,
                f"There are workers called “{body['name']}” already.",
                "Attach to them, close them, or choose another name.",
            )
        assert ("nodes" in body) != ("workers" in body)
        number = f"crew{next(self._ids)}"
        threads = body.get("threads", 1)
        crew = {
            "id": number,
            "launch": LAUNCH,
            "name": body["name"],
            "profile": "cpu",
            "title": "CPU nodes",
            "state": "open",
            "words": "",
            "advice": "",
            "detail": "",
            "version": 1,
            "created": 0,
            "keep": body.get("keep", False),
            "replace": body.get("replace", False),
            "wanted_nodes": 0,
            "wanted_workers": 0,
            "per_node": max(1, self.per_node // threads),
            "threads": threads,
            "gpus": 0,
            "memory_mb": 0,
            "scheduler": None,
            "max_nodes": self.max_nodes,
            "nodes": [],
            "submissions": 0,
        }
        self._raise(crew, self._workers(crew, body))
        self.crews[number] = crew
        return {**crew, "tls": self.keys}

    def change(self, crew: dict[str, Any], body: Mapping[str, Any]) -> dict[str, Any]:
        if crew["state"] != "open":
            raise Refusal(410, "These workers are closed.", "Ask for new ones.")
        if "scheduler" in body:
            crew["scheduler"] = body["scheduler"]
            for node in crew["nodes"]:
                self._claim(crew, node)
        elif "drop" in body:
            self._cancel(crew, body["drop"])
        else:
            self._scale(crew, self._workers(crew, body))
        self._touch(crew)
        return crew

    def close(self, crew: dict[str, Any], why: str) -> dict[str, Any]:
        if crew["state"] == "open":
            self.closed.append((crew["name"], why))
            crew["state"] = "closed"
            self._cancel(crew, [node["id"] for node in crew["nodes"]])
            self._touch(crew)
        return crew

    def _workers(self, crew: Mapping[str, Any], body: Mapping[str, Any]) -> int:
        wanted = body["workers"] if "workers" in body else body["nodes"] * crew["per_node"]
        if math.ceil(wanted / crew["per_node"]) > self.max_nodes:
            raise Refusal(
                400,
                f"“{crew['title']}” gives at most {self.max_nodes} nodes to one set of workers.",
                "Ask for fewer workers.",
            )
        return int(wanted)

    def _scale(self, crew: dict[str, Any], wanted: int) -> None:
        if wanted >= crew["wanted_workers"]:
            self._raise(crew, wanted)
            return
        waiting = [n for n in reversed(crew["nodes"]) if n["state"] == "pending"]
        drop = []
        while waiting and crew["wanted_workers"] - waiting[0]["workers"] >= wanted:
            node = waiting.pop(0)
            drop.append(node["id"])
            crew["wanted_workers"] -= node["workers"]
            crew["wanted_nodes"] -= 1
        self._cancel(crew, drop, counted=True)

    def _raise(self, crew: dict[str, Any], wanted: int) -> None:
        missing = wanted - crew["wanted_workers"]
        if missing <= 0:
            return
        crew["submissions"] += 1
        if self.refused_by:
            crew.update(
                words="Slurm refused to start these workers.",
                advice="Ask for fewer, or choose another account.",
                detail=self.refused_by,
                state=crew["state"] if crew["nodes"] else "failed",
            )
            return
        job = next(self._jobs)
        for task in range(math.ceil(missing / crew["per_node"])):
            count = min(crew["per_node"], missing - task * crew["per_node"])
            node = {"id": f"{job}_{task}", "state": "pending", "node": "", "workers": count}
            node |= {"words": "Waits for free nodes.", "expected_start": 0, "started": 0}
            node |= {"ends": 0, "claimed": False, "lost": False}
            crew["nodes"].append(node)
            crew["wanted_nodes"] += 1
        crew["wanted_workers"] = wanted
        if not self.held:
            self._run_nodes(crew, 1000)

    def _run_nodes(self, crew: dict[str, Any], count: int) -> None:
        waiting = [node for node in crew["nodes"] if node["state"] == "pending"]
        for node in waiting[:count]:
            node.update(state="running", node=f"c{node['id'].rpartition('_')[2]}", words="")
            self._claim(crew, node)
        self._touch(crew)

    def _claim(self, crew: Mapping[str, Any], node: dict[str, Any]) -> None:
        """What the launcher on the node gets."""
        if node["state"] != "running" or node["claimed"] or not crew["scheduler"]:
            return
        node["claimed"] = True
        if self.nodes:
            grant = {"scheduler": crew["scheduler"], "tls": self.keys, "node": node["id"]}
            grant |= {"workers": node["workers"], "threads": crew["threads"], "memory_mb": 0}
            grant |= {"gpus": 0, "left": None, "warn_seconds": 60}
            self.nodes.start(grant)

    def _cancel(self, crew: dict[str, Any], nodes: list[str], counted: bool = False) -> None:
        living = [n for n in crew["nodes"] if n["id"] in nodes and n["state"] != "ended"]
        if living:
            self.cancelled.append([node["id"] for node in living])
        for node in living:
            if node["state"] == "running" and self.nodes:
                self.nodes.end(node["id"])
            node.update(state="ended", words="Was cancelled.")
            if not counted:
                crew["wanted_nodes"] -= 1
                crew["wanted_workers"] -= node["workers"]

    def _named(self, name: str) -> dict[str, Any]:
        return [crew for crew in self.crews.values() if name in (crew["name"], crew["id"])][-1]

    def _node(self, crew: Mapping[str, Any], node: str) -> dict[str, Any]:
        return next(found for found in crew["nodes"] if found["id"] == node)

    def _touch(self, crew: dict[str, Any]) -> None:
        crew["version"] += 1
        self._changed.set()
        self._changed = asyncio.Event()

    async def newer(self, crew: Mapping[str, Any], after: int, wait: float) -> None:
        """Until there is a newer version, or the time is over."""
        end = self._loop.time() + wait
        while crew["version"] <= after and self._loop.time() < end:
            try:
                await asyncio.wait_for(self._changed.wait(), end - self._loop.time())
            except TimeoutError:
                return

    def _run(self) -> None:
        self._loop = asyncio.new_event_loop()
        asyncio.set_event_loop(self._loop)
        self._changed = asyncio.Event()
        here = rf"/api/crews/{LAUNCH}"
        self._application = web.Application(
            [
                (here, AllHandler, {"service": self}),
                (here + r"/([^/]+)", CrewHandler, {"service": self}),
                (here + r"/([^/]+)/keys", KeysHandler, {"service": self}),
                (here + r"/([^/]+)/nodes/([^/]+)/log", LogHandler, {"service": self}),
            ],
            log_function=lambda _: None,
        )
        self._port = 0
        self._listen()
        self._loop.call_soon(self._started.set)
        self._loop.run_forever()

    def _listen(self) -> None:
        self._server = HTTPServer(self._application)
        sockets = bind_sockets(self._port, "127.0.0.1")
        self._port = sockets[0].getsockname()[1]
        self._server.add_sockets(sockets)

    def _close(self) -> None:
        self._server.stop()
        self._loop.create_task(self._server.close_all_connections())


class Handler(web.RequestHandler):
    """What all calls share."""

    def initialize(self, service: CrewsService) -> None:
        self.service = service

    def prepare(self) -> None:
        self.service.asked.append(f"{self.request.method} {self.request.path}")
        if self.request.headers.get("Authorization") != f"token {self.service.token}":
            raise Refusal(403, "This server may not ask for workers.", "Launch it again.")

    def tell(self, answer: Mapping[str, Any], status: int = 200) -> None:
        self.set_status(status)
        self.finish(json.dumps(answer))

    def found(self, crew: str) -> dict[str, Any]:
        if crew not in self.service.crews:
            raise Refusal(404, "There are no such workers.", "They may have been closed.")
        return self.service.crews[crew]

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        _, error, _ = kwargs["exc_info"]
        if isinstance(error, Refusal):
            self.tell(error.body, error.status)
        else:
            super().write_error(status_code, **kwargs)

    def log_exception(self, typ: Any, value: Any, tb: Any) -> None:
        if not isinstance(value, Refusal):
            super().log_exception(typ, value, tb)


class AllHandler(Handler):
    def get(self) -> None:
        crews = [crew for crew in self.service.crews.values() if crew["state"] == "open"]
        profile = {"name": "cpu", "title": "CPU nodes", "max_nodes": self.service.max_nodes}
        profile |= {"cpus": 2, "memory_mb": 4096, "gpus": 0, "minutes": 60, "form": "array"}
        self.tell({"crews": crews, "profiles": [profile]})

    def post(self) -> None:
        self.tell(self.service.create(json.loads(self.request.body)), 201)


class CrewHandler(Handler):
    async def get(self, crew: str) -> None:
        found = self.found(crew)
        if self.service.broken_polls:
            self.service.broken_polls -= 1
            self.request.connection.stream.close()  # type: ignore[attr-defined]
            return
        after, wait = int(self.get_argument("after", "-1")), float(self.get_argument("wait", "0"))
        await self.service.newer(found, after, min(wait, 25))
        self.tell(found)

    def patch(self, crew: str) -> None:
        self.tell(self.service.change(self.found(crew), json.loads(self.request.body)))

    def delete(self, crew: str) -> None:
        self.tell(self.service.close(self.found(crew), self.get_argument("why")), 202)


class LogHandler(Handler):
    def get(self, crew: str, node: str) -> None:
        found = self.service._node(self.found(crew), node)
        self.tell({"text": f"what {found['id']} printed"})


class KeysHandler(Handler):
    def post(self, crew: str) -> None:
        self.found(crew)
        self.tell(self.service.keys)
