"""Who signs the hub's SSH keys: a command, or a service over HTTPS.

Both get `{"principal": …, "public_key": …}` as JSON and answer with an OpenSSH certificate, as
text. The authority's key belongs to another account or host, never to the hub.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest

from ..errors import Unavailable

CONNECT_SECONDS = 5
SIGN_SECONDS = 20
SHOWN_CHARACTERS = 300


class Authority(Protocol):
    """Signs one public key for one user, for minutes."""

    async def sign(self, user: str, public_key: str) -> str:
        """The certificate. Unavailable if there is none."""
        ...


class AuthorityCommand:
    """A command that reads the request and prints the certificate."""

    def __init__(self, command: Sequence[str]):
        self._command = list(command)

    async def sign(self, user: str, public_key: str) -> str:
        """See `Authority.sign`."""
        try:
            process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
        except OSError as error:
            raise Unavailable(f"No SSH certificate for {user}: {error}") from error
        try:
            async with asyncio.timeout(SIGN_SECONDS):
                out, err = await process.communicate(_request(user, public_key))
        except TimeoutError as error:
            # What sudo runs belongs to somebody else, and ends when nobody reads it.
            with suppress(ProcessLookupError, PermissionError):
                process.kill()
            raise Unavailable(f"No SSH certificate for {user}: {_too_slow()}") from error
        if process.returncode != 0:
            words = err.decode(errors="replace").strip()[-SHOWN_CHARACTERS:]
            raise Unavailable(f"No SSH certificate for {user}: {words}")
        return out.decode(errors="replace")


class AuthorityService:
    """A service such as sshproxy: the request is POSTed with a bearer token."""

    def __init__(self, url: str, token_file: str, ca_file: str = ""):
        if not url.startswith("https://"):
            raise ValueError(f"{url} does not begin with https://")
        self._url = url
        self._token_file = Path(token_file)
        self._ca_file = ca_file or None

    async def sign(self, user: str, public_key: str) -> str:
        """See `Authority.sign`."""
        try:
            token = (await asyncio.to_thread(self._token_file.read_text)).strip()
            answer = await AsyncHTTPClient().fetch(
                HTTPRequest(
                    self._url,
                    method="POST",
                    headers={
                        "Authorization": f"Bearer {token}",
                        "Content-Type": "application/json",
                        "Accept": "text/plain",
                    },
                    body=_request(user, public_key),
                    ca_certs=self._ca_file,
                    connect_timeout=CONNECT_SECONDS,
                    request_timeout=SIGN_SECONDS,
                    follow_redirects=False,
                )
            )
        except HTTPClientError as error:
            slow = error.code == 599
            said = error.response.body if error.response and error.response.body else b""
            words = said.decode(errors="replace").strip()[:SHOWN_CHARACTERS]
            reason = _too_slow() if slow else f"the authority answered {error.code}. {words}"
            raise Unavailable(f"No SSH certificate for {user}: {reason}") from error
        except OSError as error:
            raise Unavailable(f"No SSH certificate for {user}: {error}") from error
        return answer.body.decode(errors="replace")


def _request(user: str, public_key: str) -> bytes:
    return json.dumps({"principal": user, "public_key": public_key}).encode()


def _too_slow() -> str:
    return f"the authority did not answer in {SIGN_SECONDS} s."
