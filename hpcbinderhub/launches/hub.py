"""JupyterHub, as a launch needs it: start a user's server, follow it, stop it."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest, HTTPResponse

from ..errors import Unavailable, UserError
from ..slurm.jobs import Owned
from .jobsseen import JobsSeen, jobs_seen
from .serverstate import ServerState, state_from
from .sharing import Sharing

START_SECONDS = 60
STOP_SECONDS = 40
"""For what is still stopping when the hub answers, after ten; pages wait a minute."""

STOP_LOOK_SECONDS = 0.5
LIST_SECONDS = 60
CHECK_SECONDS = 5
LOOK_SECONDS = 30
"""The hub waits for Slurm half as long."""

PROGRESS_SECONDS = 24 * 3600


@dataclass(frozen=True)
class Server:
    """A server that the hub knows: one that starts, runs, stops, or could be started again."""

    user: str
    name: str
    active: bool
    last_activity: float
    artefact: str
    """The image that it was asked to run."""


class Hub:
    """The hub's REST API, with the service's own token."""

    def __init__(self, api_url: str, api_token: str):
        self._api_url = api_url.rstrip("/")
        self._token = api_token

    async def start(self, user: str, server: str, options: dict[str, Any]) -> None:
        """Ask for the server. Asking again while it starts, or when it runs, changes nothing."""
        body = json.dumps({"display_name": server, "user_options": options})
        try:
            await self._call("POST", _path(user, server), body, START_SECONDS)
        except UserError as error:
            if "is pending" in error.message:
                raise Unavailable(error.message) from error
            if "is already running" not in error.message:
                raise

    async def stop(self, user: str, server: str, *, keep: bool = False) -> None:
        """Stop the server and remove its name, unless that is to be kept; one that is not there is
        no error.

        The hub answers before a slow stop is over; whoever starts the server anew the next moment
        would be told that it runs.
        """
        try:
            path = _path(user, server)
            body = json.dumps({"remove": not keep})
            answer = await self._call("DELETE", path, body, START_SECONDS)
        except UserError as error:
            if error.status != 404:
                raise
        else:
            if answer.code == HTTPStatus.ACCEPTED:
                await self._wait_until_gone(user, server)

    async def _wait_until_gone(self, user: str, server: str) -> None:
        limit = time.monotonic() + STOP_SECONDS
        while time.monotonic() < limit:
            await asyncio.sleep(STOP_LOOK_SECONDS)
            if not await self.server(user, server):
                return

    async def server(self, user: str, server: str) -> dict[str, Any] | None:
        """The hub's model of an active server, or None."""
        return (await self._active(user)).get(server)

    async def servers(self, user: str) -> list[tuple[str, bool]]:
        """The active servers: name, and whether it is ready."""
        return [(name, bool(model["ready"])) for name, model in (await self._active(user)).items()]

    async def all_servers(self) -> list[Server]:
        """Everybody's servers, with those that have stopped and were not removed."""
        found: list[Server] = []
        offset = 0
        while True:
            path = f"users?include_stopped_servers=1&offset={offset}"
            answer = await self._call("GET", path, None, LIST_SECONDS)
            users = json.loads(answer.body)
            if not users:
                return found
            offset += len(users)
            for user in users:
                models = user.get("servers", {}).values()
                found += [_server(user["name"], model) for model in models]

    async def check(self) -> None:
        """Raise Unavailable or UserError unless the hub's API answers."""
        await self._call("GET", "", None, CHECK_SECONDS)

    async def states(self, user: str) -> tuple[list[ServerState], list[ServerState]]:
        """How the user's servers are, and how her last ones ended, the latest first."""
        path = f"hpcbinderhub/servers/{quote(user, safe='')}"
        try:
            answer = await self._call("GET", path, None, CHECK_SECONDS)
        except UserError as error:
            if error.status == 404:
                return [], []
            raise
        found = json.loads(answer.body)
        return list(map(state_from, found["servers"])), list(map(state_from, found["ended"]))

    async def sharing(self, user: str) -> Sharing:
        """To whom the user has given her servers, and whether she may."""
        path = f"hpcbinderhub/sharing/{quote(user, safe='')}"
        answer = await self._call("GET", path, None, CHECK_SECONDS)
        return Sharing(**json.loads(answer.body))

    async def watcher(self) -> tuple[int, float]:
        """How many jobs the hub watches, and how long Slurm has not answered about them."""
        answer = await self._call("GET", "hpcbinderhub/watcher", None, CHECK_SECONDS)
        seen = json.loads(answer.body)
        return int(seen["watched"]), float(seen["silence"])

    async def jobs(self, jobs: Collection[Owned], *, fresh: bool = False) -> JobsSeen:
        """What the hub's watcher knows of these jobs of users'; with `fresh`, from a look that
        begins now. It watches what is asked for, as long as somebody asks at least every minute."""
        body = json.dumps({"jobs": [[one.owner, one.job] for one in jobs], "fresh": fresh})
        answer = await self._call("POST", "hpcbinderhub/jobs", body, LOOK_SECONDS)
        return jobs_seen(json.loads(answer.body))

    async def _active(self, user: str) -> dict[str, dict[str, Any]]:
        try:
            answer = await self._call("GET", f"users/{quote(user, safe='')}", None, START_SECONDS)
        except UserError as error:
            if error.status == 404:
                return {}
            raise
        models = json.loads(answer.body).get("servers", {})
        return {k: m for k, m in models.items() if m.get("ready") or m.get("pending")}

    async def progress(self, user: str, server: str) -> AsyncIterator[dict[str, Any]]:
        """What the starting server tells, until it is ready or has failed."""
        lines: asyncio.Queue[bytes | None] = asyncio.Queue()
        request = self._request(
            "GET",
            f"{_path(user, server)}/progress",
            request_timeout=PROGRESS_SECONDS,
            streaming_callback=lines.put_nowait,
        )
        answer = asyncio.ensure_future(AsyncHTTPClient(force_instance=True).fetch(request))
        answer.add_done_callback(lambda _: lines.put_nowait(None))
        try:
            async for event in _events(lines):
                yield event
            await _checked(answer)
        finally:
            answer.cancel()

    async def _call(self, method: str, path: str, body: str | None, timeout: float) -> HTTPResponse:
        request = self._request(method, path, body=body, request_timeout=timeout)
        return await _checked(asyncio.ensure_future(AsyncHTTPClient().fetch(request)))

    def _request(self, method: str, path: str, **options: Any) -> HTTPRequest:
        return HTTPRequest(
            f"{self._api_url}/{path}",
            method=method,
            headers={"Authorization": f"token {self._token}", "Content-Type": "application/json"},
            allow_nonstandard_methods=True,
            **options,
        )


def _path(user: str, server: str) -> str:
    return f"users/{quote(user, safe='')}/servers/{quote(server, safe='')}"


def _server(user: str, model: dict[str, Any]) -> Server:
    seen = model["last_activity"] or model["started"]
    return Server(
        user=user,
        name=model["name"],
        active=not model["stopped"],
        last_activity=datetime.fromisoformat(seen).timestamp() if seen else 0.0,
        artefact=str((model["user_options"] or {}).get("artefact", "")),
    )


async def _events(chunks: asyncio.Queue[bytes | None]) -> AsyncIterator[dict[str, Any]]:
    """Server-sent events out of a stream of chunks."""
    rest = b""
    while (chunk := await chunks.get()) is not None:
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            if line.startswith(b"data: "):
                yield json.loads(line[6:])


async def _checked(answer: asyncio.Future[HTTPResponse]) -> HTTPResponse:
    try:
        return await answer
    except HTTPClientError as error:
        if error.code >= 500 or error.code == 429:
            raise Unavailable(f"The hub answered {error.code}: {_words(error)}") from error
        raise UserError.from_text(_words(error), status=error.code) from error
    except OSError as error:
        raise Unavailable(f"The hub cannot be reached: {error}") from error


def _words(error: HTTPClientError) -> str:
    try:
        return str(json.loads(error.response.body)["message"])  # type: ignore[union-attr]
    except (AttributeError, ValueError, KeyError, TypeError):
        return str(error)
