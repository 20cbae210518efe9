"""A person at the demo site: logs in as a browser would, and uses the API with a token of hers."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from typing import Any

import httpx

PASSWORD = "hpcbinder-demo"
QUIET_SECONDS = 60
SILENCE_SECONDS = 25
"""As pages have it: a proxy may hold a connection open whose service was killed."""


class Person:
    """One user of the hub."""

    def __init__(self, name: str, url: str, password: str = PASSWORD):
        self.name = name
        self.url = url.rstrip("/")
        self.client = httpx.Client(base_url=self.url, timeout=60, follow_redirects=True)
        self._log_in(password)
        self.token = self._new_token()

    def _log_in(self, password: str) -> None:
        page = self.client.get("/hub/login")
        xsrf = re.search(r'name="_xsrf"\s+value="([^"]+)"', page.text)
        assert xsrf, "the log-in page has no form"
        fields = {"username": self.name, "password": password, "_xsrf": xsrf[1]}
        self.client.post("/hub/login", data=fields).raise_for_status()

    def _new_token(self) -> str:
        xsrf = self.client.cookies.get("_xsrf", path="/hub/")
        made = self.client.post(
            f"/hub/api/users/{self.name}/tokens",
            json={"note": "tests"},
            headers={"X-XSRFToken": xsrf or "", "Referer": f"{self.url}/hub/token"},
        )
        made.raise_for_status()
        return str(made.json()["token"])

    def call(self, method: str, path: str, body: Any = None) -> httpx.Response:
        """The service's API, with the token and without a cookie."""
        return httpx.request(
            method,
            f"{self.url}/services/binder/{path}",
            json=body,
            headers={"Authorization": f"Bearer {self.token}"},
            timeout=60,
        )

    def hub(self, method: str, path: str, body: Any = None) -> httpx.Response:
        """The hub's API."""
        return httpx.request(
            method,
            f"{self.url}/hub/api/{path}",
            json=body,
            headers={"Authorization": f"Bearer {self.token}"},
            timeout=60,
        )

    def launch(self, repository: str, profile: str = "interactive", **more: Any) -> str:
        """Launch, and return the launch's id."""
        body = {"repository": repository, "profile": profile, **more}
        answer = self.call("POST", "api/launches", body)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def events(self, launch: str, since: int = 0) -> Iterator[dict[str, Any]]:
        """The launch's events until it is ready or has failed, whatever is restarted meanwhile."""
        broken = 0.0
        while True:
            try:
                for event in self._stream(f"api/launches/{launch}/events", since):
                    since, broken = event["number"], 0.0
                    yield event
                    if event["phase"] in ("ready", "failed"):
                        return
            except httpx.HTTPError:
                broken = broken or time.monotonic()
                if time.monotonic() - broken > QUIET_SECONDS:
                    raise
                time.sleep(0.5)

    def _stream(self, path: str, since: int) -> Iterator[dict[str, Any]]:
        with httpx.stream(
            "GET",
            f"{self.url}/services/binder/{path}",
            headers={"Authorization": f"Bearer {self.token}", "Last-Event-ID": str(since)},
            timeout=SILENCE_SECONDS,
        ) as answer:
            if answer.status_code != 200:
                raise httpx.HTTPError(f"{answer.status_code}")
            for line in answer.iter_lines():
                if line.startswith("data: "):
                    yield json.loads(line[6:])

    def build_log(self, build: str) -> list[dict[str, Any]]:
        """All that a build has told so far, to its end."""
        found = []
        for event in self._stream(f"api/builds/{build}/events", 0):
            found.append(event)
            if event["phase"] in ("built", "failed"):
                break
        return found

    def follow(self, launch: str) -> dict[str, Any]:
        """The last event of a launch."""
        return list(self.events(launch))[-1]

    def servers(self) -> list[str]:
        """Names of the active servers."""
        return sorted(self.hub("GET", f"users/{self.name}").json()["servers"])

    def stop(self, server: str) -> None:
        """Stop a server."""
        self.call("DELETE", f"api/servers/{server}").raise_for_status()
