"""What a launch meets: a hub that answers over HTTPS, and a node with an image on it.

Only the server is a stand-in: it writes down how it was started instead of serving notebooks.
"""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import trustme

PROJECT = Path(__file__).parents[2]
TICKET = "ticket-6b1f0e0c"
TOKEN = "token-93ad21fe"
SYSTEM_PATH = "/usr/bin:/bin"

SERVER = f"""#!{sys.executable} -I
import json, os, signal, sys
def report(received):
    mask = os.umask(0)
    found = dict(argv=sys.argv, cwd=os.getcwd(), env=dict(os.environ), pid=os.getpid(), umask=mask,
                 received=received)
    os.umask(mask)
    partial = os.environ["REPORT"] + ".partial"
    with open(partial, "w") as file:
        json.dump(found, file)
    os.rename(partial, os.environ["REPORT"])
def stop(number, frame):
    report(signal.Signals(number).name)
    sys.exit(0)
signal.signal(signal.SIGTERM, stop)
report(None)
if "--wait" in sys.argv:
    signal.pause()
"""


class Request(NamedTuple):
    """What the hub was sent."""

    path: str
    authorization: str
    body: Any


Reply = tuple[int, object]
"""A status and a body: bytes, or what is sent as JSON. Status 0 hangs up without a word."""


class Broken(NamedTuple):
    """A body of which only the beginning arrives."""

    whole: bytes
    after: int


class Hub:
    """The hub's side of a launch; each of `replies` is used once, the last one for ever."""

    def __init__(self, ca: trustme.CA) -> None:
        self.requests: list[Request] = []
        self.sent: list[int] = []
        """How many bytes were promised with each answer."""
        nothing = {"repositories": [], "notices": []}
        self.replies: dict[str, list[Reply]] = {
            "/ready": [(200, {})],
            "/content/parts": [(200, nothing)],
        }
        self.ca = ca.cert_pem.bytes().decode()
        self.gate = threading.Event()
        self.gate.set()
        hub = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                hub.answer(self)

            def do_POST(self) -> None:
                hub.answer(self)

            def log_message(self, *_: object) -> None:
                """Keep the test's output to the launch's own."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        ca.issue_cert("localhost").configure_cert(context)
        self.server.socket = context.wrap_socket(
            self.server.socket, server_side=True, do_handshake_on_connect=False
        )
        self.url = f"https://localhost:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        sent = handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
        authorization = handler.headers.get("Authorization", "")
        self.requests.append(
            Request(handler.path, authorization, json.loads(sent) if sent else None)
        )
        if handler.path == "/content":
            self.gate.wait(30)
        replies = self.replies[handler.path]
        status, body = replies.pop(0) if len(replies) > 1 else replies[0]
        if status == 0:
            handler.close_connection = True
            return
        broken = isinstance(body, Broken)
        whole = body.whole if isinstance(body, Broken) else body
        payload = whole if isinstance(whole, bytes) else json.dumps(whole).encode()
        begin = int(handler.headers.get("Range", "bytes=0-")[len("bytes=") : -1])
        handler.send_response(206 if begin else status)
        handler.send_header("Content-Length", str(len(payload) - begin))
        handler.end_headers()
        self.sent.append(len(payload) - begin)
        handler.wfile.write(payload[begin : begin + body.after] if broken else payload[begin:])
        handler.close_connection = True

    def asked(self, path: str) -> list[Request]:
        return [request for request in self.requests if request.path == path]


class Origin:
    """The repository that is launched."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        directory.mkdir()
        self.git("init", "--quiet", "--initial-branch=main")
        self.commit = self.add({"README.md": b"# Soundings\n", "data/README": b"see the paper\n"})

    def git(self, *arguments: str) -> str:
        return git(self.directory, *arguments)

    def add(self, files: Mapping[str, bytes], links: Mapping[str, str] | None = None) -> str:
        for name, text in files.items():
            path = self.directory / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text)
        for name, target in (links or {}).items():
            (self.directory / name).symlink_to(target)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message=work")
        self.commit = self.git("rev-parse", "HEAD")
        return self.commit

    def bundle(self, ref: str = "refs/heads/main") -> bytes:
        file = self.directory / ".git" / "test.bundle"
        self.git("update-ref", ref, self.commit)
        self.git("bundle", "create", "--quiet", str(file), ref)
        return file.read_bytes()


def git(directory: Path, *arguments: str) -> str:
    who = {
        f"GIT_{role}_{part}": "ada@example.org"
        for role in ("AUTHOR", "COMMITTER")
        for part in ("NAME", "EMAIL")
    }
    environment = {**os.environ, **who, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    done = subprocess.run(["git", *arguments], cwd=directory, env=environment, capture_output=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.decode().strip()


class Outcome(NamedTuple):
    """How a launch went."""

    code: int
    log: str
    server: dict[str, Any] | None

    @property
    def started(self) -> dict[str, Any]:
        assert self.code == 0, self.log
        assert self.server is not None
        return self.server


class Launch:
    """One launch: its directory, its grant, and its process."""

    def __init__(self, node: Node, name: str) -> None:
        self.node = node
        self.directory = node.root / "launches" / name
        self.directory.mkdir(parents=True)
        self.report = self.directory / "report.json"
        self.log = self.directory / "job.log"
        self.grant: dict[str, Any] = {
            "env": {
                "JUPYTERHUB_API_TOKEN": TOKEN,
                "JUPYTERHUB_SERVICE_URL": "http://127.0.0.1:0/user/ada/soundings/",
                "BINDER_REPO_URL": "https://example.org/soundings.git",
                "REPORT": str(self.report),
            },
            "args": ["--ServerApp.allow_remote_access=True"],
            "ready_url": f"{node.hub.url}/ready",
            "content": {
                "url": f"{node.hub.url}/content",
                "repo_url": "https://example.org/soundings.git",
                "ref": "main",
                "commit": node.origin.commit,
                "existing": "keep",
            },
            "workspace": str(node.workspace),
            "home": str(self.directory / "home"),
            "tls": {name: f"PEM of {name}" for name in ("key", "certificate", "client")},
        }
        self.claim({})

    def claim(self, changes: Mapping[str, object], mode: int = 0o600) -> None:
        """Leave the ticket as the hub's side does."""
        path = self.directory / "claim.json"
        fields = {
            "claim_url": f"{self.node.hub.url}/claim",
            "ticket": TICKET,
            "ca": self.node.hub.ca,
        }
        path.write_text(json.dumps({**fields, **changes}))
        path.chmod(mode)

    def begin(
        self,
        job: Mapping[str, str] | None = None,
        inside: Sequence[str] = (),
        python: str = sys.executable,
    ) -> subprocess.Popen[bytes]:
        """Run the start command as the batch script does, `inside` of another command."""
        self.node.hub.replies.setdefault("/claim", [(200, self.grant)])
        image = str(self.node.describe_image())
        start = ["-m", "hpcbinder", "start", "--launch", str(self.directory), "--image", image]
        environment = {"PATH": SYSTEM_PATH, "USER": "ada", "SLURM_JOB_ID": "4711"}
        environment |= {"TMPDIR": str(self.node.scratch), **(job or {})}
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [*inside, python, *start],
                cwd=PROJECT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def end(self, process: subprocess.Popen[bytes]) -> Outcome:
        code = process.wait(120)
        log = self.log.read_text()
        assert TICKET not in log
        assert TOKEN not in log
        return Outcome(code, log, self.reported())

    def run(self, job: Mapping[str, str] | None = None, inside: Sequence[str] = ()) -> Outcome:
        return self.end(self.begin(job, inside))

    def reported(self) -> dict[str, Any] | None:
        return json.loads(self.report.read_bytes()) if self.report.exists() else None

    def wait_for(self, words: str) -> None:
        """Until the log says `words`."""
        until(lambda: words in self.log.read_text())


class Node:
    """A compute node with an image, and shared storage below `root`."""

    def __init__(self, root: Path, hub: Hub, origin: Origin) -> None:
        self.root = root
        self.hub = hub
        self.origin = origin
        self.workspace = root / "workspaces" / "soundings-3f2a"
        self.scratch = root / "scratch"
        self.scratch.mkdir()
        self.image = root / "image"
        self.repo_dir = self.image / "repo"
        self.repo_dir.mkdir(parents=True)
        self.image_env = {"PATH": f"{self.image}/bin:{SYSTEM_PATH}", "LANG": "C.UTF-8"}
        self.start_script: str | None = None
        self.generated: list[dict[str, object]] = []
        self.image_home = self.image / "home"
        self.in_home: list[dict[str, object]] = []
        self.python: str | None = None
        self.lacks: dict[str, str] = {}
        self.fixed: list[str] = []
        self.program("jupyterhub-singleuser", SERVER)
        hub.replies["/content"] = [(200, origin.bundle())]

    def program(self, name: str, text: str, mode: int = 0o755) -> Path:
        path = self.image / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        path.chmod(mode)
        return path

    def generate(self, path: str, text: bytes = b"", link: str | None = None) -> Path:
        """What the image's build made, listed as the build lists it."""
        file = self.repo_dir / path
        self.generated.append({"path": path, "size": len(text), "link": link})
        if link is None:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(text)
        return file

    def leave_in_home(self, path: str, text: bytes = b"") -> Path:
        """What the image's build left in HOME, listed as the build lists it."""
        file = self.image_home / path
        self.in_home.append({"path": path, "size": len(text), "link": None})
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text)
        return file

    def kernel(self, name: str, language: str) -> None:
        """A kernel of the image's."""
        folder = self.image / "share" / "jupyter" / "kernels" / name
        folder.mkdir(parents=True)
        (folder / "kernel.json").write_text(json.dumps({"argv": ["x"], "language": language}))

    def describe_image(self) -> Path:
        path = self.image / "image.json"
        described = {
            "format": 1,
            "tools_generation": "1",
            "env": self.image_env,
            "repo_dir": str(self.repo_dir),
            "start": self.start_script,
            "generated": self.generated,
            "in_home": self.in_home,
            "world": {
                "server": [str(self.image / "bin" / "jupyterhub-singleuser")],
                "python": self.python,
                "packages": None,
                "jupyter_path": [str(self.image / "share" / "jupyter")],
                "home": str(self.image_home),
                "lacks": self.lacks,
            },
            "fixed": self.fixed,
        }
        path.write_text(json.dumps(described))
        return path

    def launch(self, name: str = "first") -> Launch:
        return Launch(self, name)


def until(condition: Callable[[], object], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)
