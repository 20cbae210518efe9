"""A Git server for tests: `git http-backend` behind a small HTTP server."""

from __future__ import annotations

import base64
import http.server
import json
import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Forge:
    """A Git server with one repository."""

    url: str
    work: Path
    tokens: set[str] = field(default_factory=set)
    """Those that open what is below `/private/`."""
    shown: list[str] = field(default_factory=list)
    """Every token that was shown to it, wherever."""
    objects: dict[str, bytes] = field(default_factory=dict)
    """What it has in Git LFS, by the hash that is asked for."""
    elsewhere: str = ""
    """Where `/away/` leads to."""
    hurry: threading.Event = field(default_factory=threading.Event)
    """Whoever was let in below `/private/` waits for this."""

    def __post_init__(self) -> None:
        self.hurry.set()

    @property
    def private_url(self) -> str:
        return self.url.replace("/repo.git", "/private/repo.git")

    def commit(self, name: str, text: str) -> str:
        (self.work / name).parent.mkdir(exist_ok=True)
        (self.work / name).write_text(text)
        git(self.work, "add", "--all")
        git(self.work, "commit", "--quiet", "--message", f"Change {name}")
        git(self.work, "push", "--quiet", "--all")
        return git(self.work, "rev-parse", "HEAD")


def git(where: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
    # The package of Git LFS changes what everybody's `git add` does.
    environment = os.environ | {"GIT_CONFIG_NOSYSTEM": "1"}
    done = subprocess.run(
        ["git", *identity, *arguments],
        cwd=where,
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()


class Backend(http.server.BaseHTTPRequestHandler):
    """Runs `git http-backend` for every request; `/private/` asks for a token, `/moved/` leads to
    the rest of its path, `/inwards/` to another host, and `/away/` to wherever a test says."""

    root: Path
    forge: Forge

    def do_GET(self) -> None:
        if self.path.startswith("/moved/"):
            self.send_response(301)
            self.send_header("Location", self.path.removeprefix("/moved"))
            self.end_headers()
            return
        if self.path.startswith("/inwards/"):
            self.send_response(302)
            self.send_header("Location", f"http://127.0.0.2{self.path.removeprefix('/inwards')}")
            self.end_headers()
            return
        if self.path.startswith("/away/"):
            self.send_response(302)
            self.send_header("Location", self.forge.elsewhere + self.path.removeprefix("/away"))
            self.end_headers()
            return
        if not self.lfs():
            self.answer(b"")

    def lfs(self) -> bool:
        """Answer what Git LFS asks: https://github.com/git-lfs/git-lfs/blob/main/docs/api/batch.md"""
        if self.path.endswith("/repo.git/info/lfs/objects/batch"):
            length = int(self.headers["Content-Length"])
            asked = json.loads(self.rfile.read(length))
            if not self.may_pass():
                self.refuse()
                return True
            assert asked["operation"] == "download"
            told = [self.told(one["oid"]) for one in asked["objects"]]
            self.give(json.dumps({"transfer": "basic", "objects": told}).encode())
        elif self.path.startswith("/lfs/"):
            assert self.headers["X-Pass"] == "let me in"
            self.give(self.forge.objects[self.path.rpartition("/")[2]])
        else:
            return False
        return True

    def told(self, oid: str) -> dict[str, object]:
        if oid not in self.forge.objects:
            return {"oid": oid, "error": {"code": 404, "message": "Object does not exist"}}
        href = self.forge.url.replace("/repo.git", f"/lfs/{oid}")
        download = {"href": href, "header": {"X-Pass": "let me in"}}
        return {"oid": oid, "actions": {"download": download}}

    def give(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        if self.lfs():
            return
        self.answer(self.rfile.read(int(self.headers.get("Content-Length") or 0)))

    def may_pass(self) -> bool:
        given = self.headers.get("Authorization", "").removeprefix("Basic ")
        token = base64.b64decode(given).decode().partition(":")[2]
        if token:
            self.forge.shown.append(token)
        if not self.path.startswith("/private/"):
            return True
        self.path = self.path.removeprefix("/private")
        return token in self.forge.tokens and self.forge.hurry.wait(30)

    def refuse(self) -> None:
        self.send_response(401)
        self.send_header("WWW-Authenticate", 'Basic realm="private"')
        self.end_headers()

    def answer(self, body: bytes) -> None:
        if not self.may_pass():
            self.refuse()
            return
        path, _, query = self.path.partition("?")
        variables = {
            "GIT_PROJECT_ROOT": str(self.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "REQUEST_METHOD": self.command,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "PATH": os.environ["PATH"],
        }
        done = subprocess.run(
            ["git", "http-backend"], input=body, env=variables, capture_output=True, check=False
        )
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().splitlines())
        self.send_response(int(headers.pop("Status", "200 OK").split()[0]))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Quiet: the tests say what went wrong."""


@contextmanager
def serve(tmp_path: Path) -> Iterator[Forge]:
    root, work = tmp_path / "served", tmp_path / "work"
    bare = root / "repo.git"
    git(tmp_path, "init", "--quiet", "--bare", "--initial-branch=main", str(bare))
    git(tmp_path, "clone", "--quiet", str(bare), str(work))
    git(work, "checkout", "--quiet", "-b", "main")
    handler = type("Handler", (Backend,), {"root": root})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    handler.forge = made = Forge(f"http://127.0.0.1:{server.server_port}/repo.git", work)
    made.commit("a.txt", "one")
    yield made
    server.shutdown()
