"""The hub's service, asked over HTTPS with the server's own token."""

from __future__ import annotations

import asyncio
import functools
import json
import os
import ssl
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest

from .crew import Crew, Keys, Offer, crew_from, profiles_from
from .errors import Unreachable, WorkersError

URL = "HPCBINDER_CREWS_URL"
TOKEN = "JUPYTERHUB_API_TOKEN"

LOOPBACK = ("localhost", "127.0.0.1", "::1")
ANSWER_SECONDS = 20.0
WORDS = ("message", "advice", "detail")
PAUSES = (0.2, 0.5, 1.0, 2.0, 4.0)
"""Between tries of what may be asked twice, while the service restarts."""


class ServiceCrews:
    """See `Crews`. It belongs to the event loop in which it is first used."""

    def __init__(self, url: str, token: str, ca_file: str | None = None) -> None:
        parts = urlsplit(url)
        if parts.scheme != "https" and parts.hostname not in LOOPBACK:
            raise WorkersError(
                "The address of the hub's service is not https://.",
                "Ask the site's administrators to set it right: secrets are sent there.",
            )
        self._url = url.rstrip("/")
        self._token = token
        self._ca_file = ca_file
        self._client: AsyncHTTPClient | None = None

    @classmethod
    def from_environment(cls) -> ServiceCrews:
        """As the hub has told the server."""
        return cls(os.environ[URL], os.environ.get(TOKEN, ""), os.environ.get("SSL_CERT_FILE"))

    async def create(self, request: Mapping[str, Any]) -> tuple[Crew, Keys]:
        """See `Crews`. It is not asked twice: the first may have been done."""
        answer = await self._ask("POST", "", request)
        return crew_from(answer), Keys(**answer["tls"])

    async def offer(self) -> Offer:
        """See `Crews`."""
        answer = await self._patiently("GET", "")
        crews = [crew_from(crew) for crew in answer["crews"]]
        return Offer(crews, profiles_from(answer["profiles"]))

    async def state(self, crew: str, after: int, wait: float) -> Crew:
        """See `Crews`. Who follows a crew asks again anyhow, so this tries once."""
        query = "?" + urlencode({"after": after, "wait": round(wait, 1)})
        return crew_from(await self._ask("GET", _at(crew) + query, patience=wait + ANSWER_SECONDS))

    async def keys(self, crew: str) -> Keys:
        """See `Crews`."""
        return Keys(**await self._patiently("POST", _at(crew) + "/keys", {}))

    async def change(self, crew: str, **what: Any) -> Crew:
        """See `Crews`."""
        return crew_from(await self._patiently("PATCH", _at(crew), what))

    async def log(self, crew: str, node: str) -> str:
        """See `Crews`."""
        answer = await self._patiently("GET", f"{_at(crew)}/nodes{_at(node)}/log")
        return str(answer["text"])

    async def close(self, crew: str, why: str) -> Crew | None:
        """See `Crews`."""
        try:
            return crew_from(
                await self._patiently("DELETE", _at(crew) + "?" + urlencode({"why": why}))
            )
        except WorkersError as error:
            if error.status in (404, 410):
                return None
            raise

    async def _patiently(
        self, method: str, what: str, body: Mapping[str, Any] | None = None
    ) -> Any:
        for pause in PAUSES:
            try:
                return await self._ask(method, what, body)
            except Unreachable:
                await asyncio.sleep(pause)
        return await self._ask(method, what, body)

    async def _ask(
        self,
        method: str,
        what: str,
        body: Mapping[str, Any] | None = None,
        patience: float = ANSWER_SECONDS,
    ) -> Any:
        if self._client is None:
            # One of our own: a long poll must not wait for what others ask.
            self._client = AsyncHTTPClient(force_instance=True, max_clients=20)
        try:
            request = HTTPRequest(
                self._url + what,
                method,
                {"Authorization": f"token {self._token}", "Content-Type": "application/json"},
                None if body is None else json.dumps(body),
                connect_timeout=ANSWER_SECONDS,
                request_timeout=patience,
                follow_redirects=False,
                ssl_options=_trusting(self._ca_file),
            )
            answer = await self._client.fetch(request)
            return json.loads(answer.body)
        except HTTPClientError as error:
            raise _refusal(error) from None
        except (OSError, ValueError) as error:
            raise Unreachable(
                f"The hub's service does not answer ({type(error).__name__}: {error}).",
                "It may be restarting: try again in a minute. Workers that run go on.",
            ) from None


@functools.lru_cache(maxsize=1)
def _trusting(ca_file: str | None) -> ssl.SSLContext:
    """Read once in a kernel: a system's authorities take longer than what is asked."""
    return ssl.create_default_context(cafile=ca_file)


def _at(crew: str) -> str:
    return "/" + quote(crew, safe="")


def _refusal(error: HTTPClientError) -> WorkersError:
    """The service's own words. Where there are none, somebody between has answered, such as a
    proxy while the service restarts; and a 5xx says nothing about what was asked."""
    status = error.code
    try:
        said = json.loads(error.response.body) if error.response else {}
        message, advice, detail = (
            str(said.get(key) or "") for key in ("message", "advice", "detail")
        )
    except (ValueError, AttributeError):
        message, advice, detail = "", "", ""
    if message and status < 500 and status != 408:
        return WorkersError(message, advice, detail, status)
    return Unreachable(
        message or f"The hub's service does not answer ({status}: {error.message}).",
        advice or "It may be restarting: try again in a minute. Workers that run go on.",
        detail,
        status,
    )
