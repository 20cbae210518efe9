"""The service, as a worker speaks to it: over HTTP, with a token that is good for nothing else."""

from __future__ import annotations

import json
import ssl
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest, HTTPResponse

from ..errors import Unavailable
from ..site import Site
from .request import LogEvent

CLAIM_TIMEOUT = 60
CALL_TIMEOUT = 30


class Gone(Exception):
    """The service refuses: the build is not ours any more, or the token never was."""


class ServiceClient:
    """One worker's way to the service."""

    def __init__(self, site: Site, token: str):
        self._url = f"{site.public_url}services/binder/api/worker/"
        self._token = token
        self._tls = ssl.create_default_context(cafile=site.ca_file or None)

    async def exchange(self, ticket: str, job: str) -> tuple[str, float]:
        """A job's token for its ticket, and the seconds that the job may take."""
        answer = await self._call("POST", "token", {"ticket": ticket, "job": job})
        grant = json.loads(answer.body)
        return str(grant["token"]), float(grant["seconds"])

    async def claim(self, short: str) -> dict[str, Any] | None:
        """The next build, or None if none came for a while; `short` says why none is taken."""
        answer = await self._call("POST", "claim", {"short": short}, timeout=CLAIM_TIMEOUT)
        return json.loads(answer.body) if answer.code == 200 else None

    async def report(self, build: str, lines: Sequence[LogEvent]) -> None:
        """Tell these lines; none is a heartbeat."""
        body = {"lines": [line.model_dump() for line in lines]}
        await self._call("POST", f"builds/{build}/report", body)

    async def sign(self, build: str, artefact: str) -> str:
        """The service's signature over what a build made; empty if the site signs nothing."""
        answer = await self._call("POST", f"builds/{build}/sign", {"artefact": artefact})
        return str(json.loads(answer.body)["signature"])

    async def end(self, build: str, how: str, body: dict[str, Any]) -> None:
        """Finish, fail or release."""
        await self._call("POST", f"builds/{build}/{how}", body)

    async def context(self, build: str, target: Path) -> None:
        """The build's files, as a tar file."""
        with target.open("wb") as file:

            def keep(chunk: bytes) -> None:
                file.write(chunk)

            await self._call("GET", f"builds/{build}/context", streaming_callback=keep)

    async def removals(self) -> list[str]:
        """Artefacts whose files are to be removed."""
        answer = await self._call("GET", "removals")
        return list(json.loads(answer.body)["artefacts"])

    async def removed(self, artefacts: Sequence[str]) -> None:
        """These files are gone."""
        await self._call("POST", "removals", {"artefacts": list(artefacts)})

    async def _call(
        self, method: str, path: str, body: Any = None, timeout: float = CALL_TIMEOUT, **more: Any
    ) -> HTTPResponse:
        request = HTTPRequest(
            self._url + path,
            method=method,
            body=None if body is None else json.dumps(body),
            headers={"Authorization": f"Bearer {self._token}"},
            request_timeout=timeout,
            ssl_options=self._tls if self._url.startswith("https:") else None,
            **more,
        )
        try:
            return await AsyncHTTPClient().fetch(request)
        except HTTPClientError as error:
            if 400 <= error.code < 500 and error.code not in (408, 429):
                # Not ours any more; or refused for what it says, and saying it again is no use.
                raise Gone(f"{path}: {error.code}") from error
            raise Unavailable(f"The service answered {error.code}.") from error
        except OSError as error:
            raise Unavailable(f"The service cannot be reached: {error}") from error
