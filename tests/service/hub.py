"""A real JupyterHub with its real proxy, on this host, for as long as the tests run."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx

ROOT = Path(__file__).parents[2]
JS = Path(__file__).parent / "js"
PASSWORD = "pass the tests"
START_SECONDS = 180


def node_modules() -> Path:
    """What the tests take from npm, installed as the lock file says."""
    installed = JS / "node_modules" / ".package-lock.json"
    if (
        not installed.exists()
        or installed.stat().st_mtime < (JS / "package-lock.json").stat().st_mtime
    ):
        subprocess.run(
            ["npm", "ci", "--no-fund", "--no-audit"], cwd=JS, check=True, capture_output=True
        )
        installed.touch()
    return JS / "node_modules"


def what_is_missing() -> str:
    """Why there can be no hub here, or nothing."""
    missing = [name for name in ("node", "npm") if not shutil.which(name)]
    return f"JupyterHub's proxy needs {' and '.join(missing)}" if missing else ""


def free_ports(number: int) -> list[int]:
    """Ports that nobody listens on."""
    sockets = [socket.socket() for _ in range(number)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


class StandIn(SimpleHTTPRequestHandler):
    """Answers in place of the service, and prints nothing."""

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


@dataclass
class RunningHub:
    """The hub, and the place that it keeps for the service."""

    scratch: Path
    simulated: bool = False
    """Servers are no processes, for load that a small machine could not start."""
    staff_token: str = field(default_factory=lambda: secrets.token_hex(16))
    service_token: str = field(default_factory=lambda: secrets.token_hex(16))
    scraper_token: str = field(default_factory=lambda: secrets.token_hex(16))

    def __post_init__(self) -> None:
        self.port, self.hub_port, self.proxy_api_port, self.service_port = free_ports(4)
        self.url = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Until hub and proxy answer."""
        (self.scratch / "homes").mkdir(parents=True)
        given = {
            "root": str(ROOT),
            "scratch": str(self.scratch),
            "proxy": str(node_modules() / ".bin" / "configurable-http-proxy"),
            "password": PASSWORD,
            "simulated": self.simulated,
            **{name: getattr(self, name) for name in ("port", "hub_port", "proxy_api_port")},
            **{
                name: getattr(self, name)
                for name in ("service_port", "service_token", "scraper_token", "staff_token")
            },
        }
        with (self.scratch / "hub.log").open("wb") as log:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "jupyterhub"),
                    f"--config={Path(__file__).with_name('hub_config.py')}",
                ],
                cwd=self.scratch,
                env=os.environ | {"BINDER_TEST": json.dumps(given)},
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        limit = time.monotonic() + START_SECONDS
        # A hub that starts waits half a minute for a service that is not there.
        stand_in = ThreadingHTTPServer(("127.0.0.1", self.service_port), StandIn)
        threading.Thread(target=stand_in.serve_forever, daemon=True).start()
        try:
            while not self._answers():
                assert self._process.poll() is None, self.log()
                assert time.monotonic() < limit, self.log()
                time.sleep(0.1)
        finally:
            stand_in.shutdown()
            stand_in.server_close()

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/hub/api/").status_code == 200
        except httpx.HTTPError:
            return False

    def log(self) -> str:
        """The end of what the hub wrote."""
        return (self.scratch / "hub.log").read_text(errors="replace")[-4000:]

    def stop(self) -> None:
        """End it; it ends its proxy and its servers."""
        if self._process:
            self._process.terminate()
            self._process.wait(120)

    def service_environment(self) -> dict[str, str]:
        """What the hub would give to a service that it starts."""
        return {
            "JUPYTERHUB_API_TOKEN": self.service_token,
            "JUPYTERHUB_API_URL": f"http://127.0.0.1:{self.hub_port}/hub/api",
            "JUPYTERHUB_BASE_URL": "/",
            "JUPYTERHUB_CLIENT_ID": "service-binder",
            "JUPYTERHUB_SERVICE_NAME": "binder",
            "JUPYTERHUB_SERVICE_PREFIX": "/services/binder/",
            "JUPYTERHUB_OAUTH_CALLBACK_URL": "/services/binder/oauth_callback",
            "JUPYTERHUB_OAUTH_ACCESS_SCOPES": json.dumps(["access:services!service=binder"]),
        }
