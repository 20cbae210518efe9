"""A registry on this machine, and one that fails on purpose in front of it."""

from __future__ import annotations

import http.client
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

CONFIG = """
version: 0.1
storage: {{filesystem: {{rootdirectory: {folder}}}, delete: {{enabled: {deletes}}}}}
http: {{addr: "127.0.0.1:{port}"{tls}}}
log: {{level: error, accesslog: {{disabled: true}}}}
{more}
"""


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(
    folder: Path,
    more: str = "",
    *,
    deletes: bool = False,
    tls: tuple[Path, Path] | None = None,
    port: int = 0,
) -> Iterator[str]:
    """A registry, which lets images be removed, or not; `tls` is its certificate and key. Where it
    is."""
    program = shutil.which("docker-registry") or shutil.which("registry")
    if program is None or shutil.which("skopeo") is None:
        pytest.skip("docker-registry or skopeo is not installed on this host")
    port = port or _free_port()
    folder.mkdir(exist_ok=True)
    config = folder / "config.yml"
    secure = f", tls: {{certificate: {tls[0]}, key: {tls[1]}}}" if tls else ""
    config.write_text(
        CONFIG.format(
            folder=folder / "storage",
            port=port,
            more=more,
            deletes=str(deletes).lower(),
            tls=secure,
        )
    )
    process = subprocess.Popen(
        [program, "serve", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        _wait(port)
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def _wait(port: int) -> None:
    for _ in range(1200):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise TimeoutError("the registry did not start")


def upload(layout: Path, target: str, *options: str) -> str:
    """Push the image of a layout; its digest."""
    digests = layout.parent / "digest"
    subprocess.run(
        ["skopeo", "copy", "--quiet", "--dest-tls-verify=false", f"--digestfile={digests}",
         *options, f"oci:{layout}:image", f"docker://{target}"],
        check=True, capture_output=True,
    )  # fmt: skip
    return digests.read_text().strip()


class Unreliable:
    """Passes requests on; what it does to blobs on the way is for the test to say."""

    def __init__(self, registry: str):
        outer = self
        self.breaks_after: int | None = None
        self.breaks_once = False
        self.broken: set[str] = set()
        self.flips = False
        self.ignores_range = False
        self.asked: list[str] = []
        self.login = ""
        """What `/token` wants to see, which gives what all else wants to see then."""

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.0"

            def do_GET(self) -> None:
                outer._answer(self, registry)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever)

    def __enter__(self) -> Unreliable:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _answer(self, handler: BaseHTTPRequestHandler, registry: str) -> None:
        if self.login and not self._let_in(handler):
            return
        sent = {
            name: handler.headers[name] for name in ("Accept", "Range") if handler.headers[name]
        }
        self.asked.append(f"{handler.path} {sent.get('Range', '')}".strip())
        if self.ignores_range:
            sent.pop("Range", None)
        connection = http.client.HTTPConnection(registry)
        connection.request("GET", handler.path, headers=sent)
        answer = connection.getresponse()
        body = answer.read()
        handler.send_response(answer.status)
        for name in ("Content-Type", "Content-Length"):
            if value := answer.getheader(name):
                handler.send_header(name, value)
        handler.end_headers()
        large_blob = "/blobs/" in handler.path and len(body) > 2000
        if self.flips and large_blob:
            body = body[:1000] + bytes([body[1000] ^ 1]) + body[1001:]
        kept = self.breaks_once and handler.path in self.broken
        if self.breaks_after is not None and large_blob and not kept:
            self.broken.add(handler.path)
            body = body[: self.breaks_after]
        handler.wfile.write(body)

    def _let_in(self, handler: BaseHTTPRequestHandler) -> bool:
        shown = handler.headers["Authorization"]
        if shown == "Bearer a-token":
            return True
        if handler.path.startswith("/token") and shown == self.login:
            self.asked.append(handler.path)
            handler.send_response(200)
            handler.end_headers()
            handler.wfile.write(b'{"token": "a-token"}')
            return False
        realm = f'Bearer realm="http://{self.host}/token",service="here"'
        handler.send_response(401)
        handler.send_header("WWW-Authenticate", realm)
        handler.end_headers()
        return False
