"""A registry that skopeo can pull from: fixed manifests and blobs over HTTP, no more."""

import base64
import gzip
import hashlib
import io
import json
import tarfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

LOGIN = "ada:wonderland"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"


class Registry:
    """Serves images under names; those under `private/` only with LOGIN."""

    def __init__(self) -> None:
        self.blobs: dict[str, bytes] = {}
        self.manifests: dict[str, bytes] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))

    def __enter__(self) -> "Registry":
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self._server.server_port}"

    def add_image(self, name: str, tag: str, tree: Path) -> str:
        """Add an image of one layer; return the digest of its manifest, which is Shifter's id."""
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as archive:
            archive.add(tree, arcname=".", filter=_of_root)
        layer = gzip.compress(packed.getvalue(), mtime=0)
        config = {
            "architecture": "amd64",
            "os": "linux",
            "rootfs": {"type": "layers", "diff_ids": [_digest(packed.getvalue())]},
            "config": {
                "Env": ["PATH=/bin", f"IMAGE_NAME={name}"],
                "Entrypoint": ["echo", "entry"],
                "Cmd": ["of the image"],
                "WorkingDir": "/srv/env",
            },
        }
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": self._blob(CONFIG, json.dumps(config).encode()),
            "layers": [self._blob(LAYER, layer)],
        }
        raw = json.dumps(manifest).encode()
        for reference in (tag, _digest(raw)):
            self.manifests[f"{name}/{reference}"] = raw
        return _digest(raw).removeprefix("sha256:")

    def _blob(self, kind: str, raw: bytes) -> dict[str, Any]:
        self.blobs[_digest(raw)] = raw
        return {"mediaType": kind, "digest": _digest(raw), "size": len(raw)}


def _digest(raw: bytes) -> str:
    return "sha256:" + hashlib.sha256(raw).hexdigest()


def _of_root(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = "root"
    return member


def _handler(registry: Registry) -> type[BaseHTTPRequestHandler]:
    expected = "Basic " + base64.b64encode(LOGIN.encode()).decode()

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.do_GET()

        def do_GET(self) -> None:
            name, _, reference = self.path.removeprefix("/v2/").rpartition("/")
            closed = name.startswith("private/") and self.headers.get("Authorization") != expected
            # skopeo only logs in where the front door asks for it.
            if closed or self.path == "/v2/":
                self._send(401, "text/plain", b"login needed")
            elif name.endswith("/manifests"):
                self._found(registry.manifests, f"{name[:-10]}/{reference}", MANIFEST)
            else:
                self._found(registry.blobs, reference, "application/octet-stream")

        def _found(self, where: dict[str, bytes], key: str, kind: str) -> None:
            raw = where.get(key)
            self._send(200 if raw else 404, kind, raw or b"{}")

        def _send(self, status: int, kind: str, raw: bytes) -> None:
            self.send_response(status)
            if status == 401:
                self.send_header("WWW-Authenticate", 'Basic realm="test"')
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(raw)

        def log_message(self, format: str, *args: Any) -> None:
            """Quiet: pytest shows what skopeo says."""

    return Handler
