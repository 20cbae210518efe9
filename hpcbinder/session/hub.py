"""What the server asks and tells the hub about its own session, with its own token."""

from __future__ import annotations

import json
import os
from typing import Any, Protocol

from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest

PATIENCE = 20.0


class Unanswered(Exception):
    """The hub did not answer, or refused; the words are its own if there are any."""


class Hub(Protocol):
    """The hub, to this server."""

    async def left(self) -> float | None:
        """Seconds until the job ends."""

    async def ending(self, why: str, **more: Any) -> None:
        """Say why the server is about to end by itself."""

    async def extend(self, minutes: int) -> float | None:
        """Ask for more time; the seconds that are left then."""


class HubOverHttp:
    """The hub at its address for this server's session."""

    def __init__(self, url: str, token: str) -> None:
        self._url = url
        self._token = token

    async def left(self) -> float | None:
        """See `Hub`."""
        return _left(await self._ask("GET", ""))

    async def ending(self, why: str, **more: Any) -> None:
        """See `Hub`."""
        await self._ask("POST", "/ending", {"why": why, **more})

    async def extend(self, minutes: int) -> float | None:
        """See `Hub`."""
        return _left(await self._ask("POST", "/extension", {"minutes": minutes}))

    async def _ask(self, method: str, what: str, body: dict[str, Any] | None = None) -> Any:
        request = HTTPRequest(
            self._url + what,
            method,
            {"Authorization": f"token {self._token}", "Content-Type": "application/json"},
            None if body is None else json.dumps(body),
            request_timeout=PATIENCE,
            follow_redirects=False,
            ca_certs=os.environ.get("SSL_CERT_FILE"),
        )
        try:
            answer = await AsyncHTTPClient().fetch(request)
            return json.loads(answer.body)
        except HTTPClientError as error:
            raise Unanswered(_words(error)) from None
        except (OSError, ValueError) as error:
            raise Unanswered(str(error)) from None


def _left(answer: Any) -> float | None:
    left = answer.get("left") if isinstance(answer, dict) else "?"
    if left is not None and (isinstance(left, bool) or not isinstance(left, (int, float))):
        raise Unanswered("The hub's answer is not understood.")
    return left


def _words(error: HTTPClientError) -> str:
    try:
        found = json.loads(error.response.body) if error.response else {}
        return " ".join(filter(None, (found["message"], found.get("detail"))))
    except (ValueError, KeyError, TypeError):
        return str(error)
