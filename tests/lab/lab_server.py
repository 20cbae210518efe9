"""A Jupyter server as a launch has it, and a hub that it asks about its session."""

from __future__ import annotations

import json
import os
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from hpcbinder.unattended import order
from hpcbinderhub.hop.keys import HopKeys

PROJECT = Path(__file__).parents[2]
TOKEN = "token-93ad21fe"


def install(directory: Path) -> Path:
    """An environment with what images have."""
    uv = Path(sys.executable).with_name("uv")
    source, venv = directory / "hpcbinder", directory / "venv"
    # Copied, so that nothing is built into the tree itself.
    unneeded = shutil.ignore_patterns("node_modules", "__pycache__")
    shutil.copytree(PROJECT / "hpcbinder", source, ignore=unneeded)
    for command in (
        ["venv", "--quiet", "--python", sys.executable, venv],
        ["pip", "install", "--quiet", "--python", venv / "bin/python", f"{source}[server,slicer]"],
    ):
        subprocess.run([uv, *command], check=True)
    return venv


class HubOfSessions:
    """Answers as the hub does about a session, and writes down what it was told."""

    def __init__(self) -> None:
        self.left: float | None = 3600.0
        self.told: list[tuple[str, Any, str]] = []
        hub = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.answer({"left": hub.left})

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                hub.told.append((self.path, body, self.headers["Authorization"]))
                if self.path.endswith("/extension") and hub.left is not None:
                    hub.left += body["minutes"] * 60
                self.answer({"left": hub.left})

            def answer(self, value: object) -> None:
                payload = json.dumps(value).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(payload)))
                self.end_headers()
                self.wfile.write(payload)

            def log_message(self, *_: object) -> None:
                """Keep the test's output to the server's own."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()


class Jupyter:
    """One server; `start` it with what the hub said of its session."""

    def __init__(self, environment: Path, directory: Path) -> None:
        self.environment = environment
        self.workspace = directory / "workspace"
        self.workspace.mkdir()
        self.log = directory / "server.log"
        self.home = directory / "home"
        self.home.mkdir()
        self.end_sign = directory / "end-is-near"
        self.hub = HubOfSessions()
        self.process: subprocess.Popen[bytes] | None = None
        self.token = ""
        """Without which the server answers nobody, if there is one."""
        self.keys = directory / "launch"
        """Where the launch's keys are, of a server that was started with some."""

        self.names = {name: f"server-{name}.pem" for name in ("certificate", "key", "client")}
        self.context: ssl.SSLContext | None = None

    def start_protected(self) -> None:
        """As a launch is: the arguments are the start command's."""
        hop = HopKeys.new()
        self.keys.mkdir()
        for name, text in hop.for_the_server().items():
            (self.keys / self.names[name]).write_text(text)
        self.context = ssl.create_default_context(cadata=hop.server_certificate)
        self.context.check_hostname = False
        own = self.keys.with_name("hub.pem")
        own.write_text(hop.hub_key + hop.hub_certificate)
        self.context.load_cert_chain(own)
        self.start_alone()

    def arguments(self) -> list[str]:
        """What makes it speak TLS."""
        return [
            f"--ServerApp.ssl_options={option}={self.keys / self.names[name]}"
            for option, name in (
                ("certfile", "certificate"),
                ("keyfile", "key"),
                ("ca_certs", "client"),
            )
            if self.context
        ]

    def start(
        self,
        left: float | None = 3600.0,
        variables: Mapping[str, str] | None = None,
        **terms: Any,
    ) -> None:
        told = {
            "ends": None if left is None else time.monotonic() + left,
            "warn_seconds": 120,
            "url": f"{self.hub.address}/session",
            "page": f"{self.hub.address}/services/binder/mine",
            **terms,
        }
        own = {"HPCBINDER_SESSION": json.dumps(told), "HPCBINDER_END_SIGN": str(self.end_sign)}
        self.start_alone(**own, **(variables or {}))

    def begin_with(self, notebook: str | None, parameters: dict[str, Any], **terms: Any) -> None:
        """As a launch that runs this by itself."""
        if notebook is not None:
            (self.workspace / "index.ipynb").write_text(notebook)
        self.keys.mkdir()
        run = order.Run("index.ipynb", None, parameters)
        left = order.leave(run, self.workspace, self.keys)
        self.start(variables={order.VARIABLE: left}, **terms)

    def start_alone(self, **variables: str) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.url = f"{'https' if self.context else 'http'}://127.0.0.1:{port}"
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.home), **variables}
        environment |= {"JUPYTERHUB_API_TOKEN": TOKEN, "LANG": "C.UTF-8", "SHELL": "/bin/bash"}
        command = [self.environment / "bin/python", "-I", "-m", "jupyterlab", "--no-browser"]
        command += ["--allow-root", f"--port={port}", "--ServerApp.port_retries=0"]
        command += [f"--IdentityProvider.token={self.token}", "--ServerApp.disable_check_xsrf=True"]
        command += self.arguments()
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                command, env=environment, cwd=self.workspace, stdout=log, stderr=log
            )
        until(self.answers)

    def answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.log.read_text()
        try:
            return bool(self.ask("api"))
        except OSError:
            return False

    def ask(self, path: str, body: object = None, method: str | None = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"token {self.token}"} if self.token else {}
        request = urllib.request.Request(f"{self.url}/{path}", data, headers, method=method)
        with urllib.request.urlopen(request, timeout=20, context=self.context) as answer:
            return json.loads(answer.read() or b"null")

    def status(self, path: str) -> int:
        try:
            self.ask(path)
        except urllib.error.HTTPError as error:
            return error.code
        return 200

    def session(self) -> dict[str, Any]:
        found: dict[str, Any] = self.ask("hpcbinder/api/session")
        return found

    def close(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.hub.server.shutdown()
        self.hub.server.server_close()


def until(condition: Callable[[], object], seconds: float = 180) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.1)
