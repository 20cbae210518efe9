"""A Git repository that is served as plain files, which is all that Git needs to clone it."""

from __future__ import annotations

import functools
import subprocess
import threading
import uuid
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote


class QuietHandler(SimpleHTTPRequestHandler):
    """Serves files and prints nothing."""

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


class ServedRepository:
    """One repository, at an address that no test before has used."""

    def __init__(self, directory: Path):
        name = f"demo-{uuid.uuid4().hex[:8]}.git"
        self._bare, self._work = directory / name, directory / "work"
        handler = functools.partial(QuietHandler, directory=str(directory))
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/{name}"
        _git(directory, "init", "--quiet", "--bare", "--initial-branch=main", str(self._bare))
        _git(directory, "clone", "--quiet", str(self._bare), str(self._work))
        _git(self._work, "checkout", "--quiet", "-b", "main")
        self.head = self.commit("requirements.txt", f"numpy\n# {uuid.uuid4()}\n")
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def commit(self, name: str, text: str) -> str:
        """Change a file, publish it; the new commit."""
        (self._work / name).write_text(text)
        _git(self._work, "add", "--all")
        _git(self._work, "commit", "--quiet", "--message", f"Change {name}")
        _git(self._work, "push", "--quiet", "origin", "main")
        _git(self._bare, "update-server-info")
        return _git(self._work, "rev-parse", "HEAD")

    def spec(self, ref: str = "HEAD") -> str:
        """As a link has it."""
        return f"git/{quote(self.url, safe='')}/{ref}"

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()


def _git(where: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
    done = subprocess.run(
        ["git", *identity, *arguments], cwd=where, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()
