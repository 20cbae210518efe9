"""The service's REST API, as commands use it: from any machine that reaches the hub."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import ssl
from http.client import HTTPResponse
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from ..errors import UserError
from ..site import load_site

CALL_SECONDS = 120
UPLOAD_SECONDS = 600
TOKEN_VARIABLE = "JUPYTERHUB_API_TOKEN"


class Remote:
    """One service, and the token of whoever asks."""

    def __init__(self, url: str, token: str, ca_file: str = ""):
        self._service = f"{url.rstrip('/')}/services/binder/"
        self._token = token
        self._tls = ssl.create_default_context(cafile=ca_file or None)

    def address(self, path: str) -> str:
        """A page of the service, for a browser."""
        return self._service + path

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """What the service answers, if anything."""
        request = self._request(method, path)
        request.data = None if body is None else json.dumps(body).encode()
        with self._open(request) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def text(self, path: str) -> str:
        """An answer that is text."""
        with self._open(self._request("GET", path)) as answer:
            return answer.read().decode()

    def upload(self, path: str, source: Path) -> Any:
        """What the service answers to a file."""
        request = self._request("PUT", path)
        with source.open("rb") as file:
            request.data = file
            request.add_header("Content-Type", "application/octet-stream")
            request.add_header("Content-Length", str(source.stat().st_size))
            with self._open(request, UPLOAD_SECONDS) as answer:
                return json.loads(answer.read())

    def download(self, path: str, target: Path) -> None:
        """An answer as a file."""
        with self._open(self._request("GET", path)) as answer, target.open("wb") as file:
            shutil.copyfileobj(answer, file, 1 << 20)
            expected = answer.headers["Content-Length"]
        if expected and target.stat().st_size != int(expected):
            raise UserError("The connection broke off.", "Try again.")

    def _request(self, method: str, path: str) -> Request:
        headers = {"Authorization": f"Bearer {self._token}"}
        return Request(self.address(path), method=method, headers=headers)

    def _open(self, request: Request, seconds: float = CALL_SECONDS) -> HTTPResponse:
        try:
            answer: HTTPResponse = urlopen(request, timeout=seconds, context=self._tls)
        except HTTPError as error:
            raise _refusal(error) from error
        except URLError as error:
            raise UserError(
                f"{self._service} cannot be reached.",
                "Name the hub's address with --url.",
                detail=str(error.reason),
            ) from error
        return answer


def _refusal(error: HTTPError) -> UserError:
    try:
        texts = json.loads(error.read())
        return UserError(
            texts["message"], texts["advice"], detail=texts["detail"], status=error.code
        )
    except (ValueError, KeyError, TypeError):
        return UserError(f"The service answered {error.code}.", "Is --url the hub's address?")


def add_options(command: argparse.ArgumentParser) -> None:
    """What says which service, and with whose token."""
    command.add_argument("--url", help="the hub's address; unless given, the site's `public_url`")
    command.add_argument(
        "--token-file", type=Path, help=f"a file with a token; unless given, ${TOKEN_VARIABLE}"
    )


def remote(options: argparse.Namespace) -> Remote:
    """The service that the options name."""
    site = load_site(options.config)
    token = os.environ.get(TOKEN_VARIABLE, "")
    if options.token_file:
        try:
            token = options.token_file.read_text().strip()
        except OSError as error:
            raise UserError(f"The token cannot be read: {error}.", "Name another file.") from error
    if not token:
        raise UserError(
            "There is no token.",
            f"Make one on the hub's page “Token”; name its file, or set {TOKEN_VARIABLE}.",
        )
    return Remote(options.url or site.public_url, token, site.ca_file)
