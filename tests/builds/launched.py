"""A built artefact, started on this host as on a compute node.

Its tree is the root file system, read-only, in a user namespace of the builder's account; the start
command and the server in it are the image's own. The hub is the one of `tests/hpcbinder`, which
also answers what a single-user server asks it about whoever comes.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import trustme
from tornado.httpclient import HTTPRequest
from tornado.websocket import websocket_connect

from hpcbinderhub.hop.keys import HopKeys

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "hpcbinder"))

from compute_node import TICKET, TOKEN, Hub, Origin, until

if TYPE_CHECKING:
    from conftest import Builder

PREFIX = "/user/ada/"
# What engines write into an image's own.
ETC = {
    "hosts": "127.0.0.1 localhost\n",
    "passwd": "ada:x:0:0::/scratch/home:/bin/sh\n",
    "group": "ada:x:0:\n",
}
ACCESS = json.dumps(["access:servers!user=ada"])
# What an engine does: the image as / and read-only, the node's devices, and a place for files.
ENTER = """
mount --bind "$0" "$0" && cd "$0"
for shared in dev proc sys; do mount --rbind "/$shared" "$shared"; done
mount --bind "$1" scratch && mount --bind "$1/tmp" tmp
mount -o remount,bind,ro "$0"
shift
exec chroot "$0" "$@"
"""


class Server:
    """A server that was started by `hpcbinder start`."""

    def __init__(
        self, port: int, notice: str, record: dict[str, Any], scratch: Path, keys: HopKeys
    ) -> None:
        self.context = keys.context()
        self.address = f"https://127.0.0.1:{port}{PREFIX}"
        self.notice = notice
        self.record = record
        self.workspace = scratch / "workspace"
        self.home = scratch / "launch" / "home"
        self.log = scratch / "job.log"
        self.headers = {"Authorization": f"token {TOKEN}"}

    def get(self, path: str) -> httpx.Response:
        """What the server answers."""
        with httpx.Client(headers=self.headers, verify=self.context, timeout=60) as client:
            return client.get(self.address + path, follow_redirects=True)

    def kernels(self) -> dict[str, Any]:
        """The kernels that JupyterLab offers."""
        found: dict[str, Any] = self.get("api/kernelspecs").json()["kernelspecs"]
        return found

    def run(self, code: str, kernel: str = "python3") -> str:
        """What a notebook of this kernel prints."""
        with httpx.Client(headers=self.headers, verify=self.context, timeout=60) as client:
            answer = client.post(f"{self.address}api/kernels", json={"name": kernel})
        assert answer.status_code == 201, answer.text
        return asyncio.run(self._execute(answer.json()["id"], code))

    async def _execute(self, kernel: str, code: str) -> str:
        url = f"ws{self.address.removeprefix('http')}api/kernels/{kernel}/channels"
        socket = await websocket_connect(
            HTTPRequest(url, headers=self.headers, ssl_options=self.context)
        )
        header = {
            "msg_id": "asked",
            "msg_type": "execute_request",
            "session": "s",
            "version": "5.3",
        }
        content = {"code": code, "silent": False, "store_history": False, "allow_stdin": False}
        message = {"header": header, "parent_header": {}, "metadata": {}, "content": content}
        await socket.write_message(json.dumps({**message, "channel": "shell"}))
        printed = ""
        while True:
            async with asyncio.timeout(60):
                text = await socket.read_message()
            assert text is not None, self.log.read_text("utf-8")
            answer = json.loads(text)
            if answer["parent_header"].get("msg_id") != "asked":
                continue
            if answer["msg_type"] == "stream":
                printed += answer["content"]["text"]
            if answer["msg_type"] == "error":
                printed += "\n".join(answer["content"]["traceback"])
            if answer["msg_type"] == "status" and answer["content"]["execution_state"] == "idle":
                return printed


@contextmanager
def launched(
    builder: Builder, artefact: Mapping[str, Any], files: Mapping[str, str], home: Path
) -> Iterator[Server]:
    """Start an artefact for a commit with these files; `home` is what the user's own one holds."""
    folder = builder.folder / "tmp" / f"launched-{time.monotonic_ns()}"
    for name in ("scratch/launch", "scratch/tmp", "scratch/home"):
        (folder / name).mkdir(parents=True)
    scratch = folder / "scratch"
    shutil.copytree(home, scratch / "home", dirs_exist_ok=True)
    origin = Origin(folder / "origin")
    origin.add({name: text.encode() for name, text in files.items()})
    hub = _hub(origin)
    keys = HopKeys.new()
    _leave_ticket(hub, origin, scratch / "launch", keys)
    for path in (folder, scratch, *scratch.rglob("*")):
        shutil.chown(path, builder.account)
    tree = folder / "tree"
    command = ["unsquashfs", "-quiet", "-no-progress", "-no-xattrs", "-d", str(tree)]
    unpacked = builder.run(*command, artefact["path"])
    assert unpacked.returncode == 0, unpacked.stderr
    for name, text in ETC.items():
        (tree / "etc").mkdir(exist_ok=True)
        (tree / "etc" / name).unlink(missing_ok=True)
        (tree / "etc" / name).write_text(text)
    record = json.loads((tree / "srv/hpcbinder/image.json").read_text("utf-8"))
    process = _start(builder, tree, scratch)
    try:
        until(lambda: hub.asked("/ready") or process.poll() is not None, 60)
        assert hub.asked("/ready"), (scratch / "job.log").read_text("utf-8")
        told = hub.asked("/ready")[0].body
        server = Server(told["port"], told["notice"], record, scratch, keys)
        until(lambda: _answers(server) or process.poll() is not None, 180)
        assert process.poll() is None, server.log.read_text("utf-8")
        yield server
    finally:
        # The server itself too, which ends its kernels; what surrounds it would only end alone.
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)
        hub.server.shutdown()
        hub.server.server_close()
        shutil.rmtree(folder, ignore_errors=True)


def _hub(origin: Origin) -> Hub:
    hub = Hub(trustme.CA())
    user = {
        "name": "ada",
        "kind": "user",
        "admin": False,
        "groups": [],
        "scopes": json.loads(ACCESS),
    }
    hub.replies |= {
        "/content": [(200, origin.bundle())],
        "/hub/api/": [(200, {"version": "6.1.1"})],
        "/hub/api": [(200, {"version": "6.1.1"})],
        "/hub/api/user": [(200, user)],
        "/hub/api/users/ada/activity": [(200, {})],
    }
    return hub


def _leave_ticket(hub: Hub, origin: Origin, launch: Path, keys: HopKeys) -> None:
    """The launch's directory as the hub's side leaves it; inside, it is below /scratch."""
    ticket = {"claim_url": f"{hub.url}/claim", "ticket": TICKET, "ca": hub.ca}
    (launch / "claim.json").write_text(json.dumps(ticket))
    (launch / "claim.json").chmod(0o600)
    env = {
        "JUPYTERHUB_API_TOKEN": TOKEN,
        "JUPYTERHUB_API_URL": f"{hub.url}/hub/api",
        "JUPYTERHUB_ACTIVITY_URL": f"{hub.url}/hub/api/users/ada/activity",
        "JUPYTERHUB_BASE_URL": "/",
        "JUPYTERHUB_CLIENT_ID": "jupyterhub-user-ada",
        "JUPYTERHUB_HOST": "",
        "JUPYTERHUB_OAUTH_CALLBACK_URL": f"{PREFIX}oauth_callback",
        "JUPYTERHUB_OAUTH_SCOPES": ACCESS,
        "JUPYTERHUB_OAUTH_ACCESS_SCOPES": ACCESS,
        "JUPYTERHUB_SERVICE_PREFIX": PREFIX,
        "JUPYTERHUB_SERVICE_URL": f"http://127.0.0.1:0{PREFIX}",
        "JUPYTERHUB_USER": "ada",
        "JUPYTERHUB_SERVER_NAME": "",
        "JUPYTERHUB_DEFAULT_URL": "/lab",
        "JUPYTERHUB_ROOT_DIR": "/scratch/workspace",
    }
    content = {"url": f"{hub.url}/content", "repo_url": "https://example.org/r.git", "ref": "main"}
    hub.replies["/claim"] = [
        (
            200,
            {
                "env": env,
                # Inside its user namespace, the builder's account is root.
                "args": ["--allow-root"],
                "ready_url": f"{hub.url}/ready",
                "content": {**content, "commit": origin.commit, "existing": "keep"},
                "workspace": "/scratch/workspace",
                "home": "/scratch/launch/home",
                "tls": keys.for_the_server(),
            },
        )
    ]


def _start(builder: Builder, tree: Path, scratch: Path) -> subprocess.Popen[bytes]:
    """The batch script's command in the image, among variables that a user's job may have."""
    where = ["--root", builder.storage["graphroot"], "--runroot", builder.storage["runroot"]]
    job = {"HOME": "/scratch/home", "USER": "ada", "SLURM_JOB_ID": "4711", "PATH": "/usr/bin:/bin"}
    job |= {"JUPYTER_PATH": "/scratch/home/.local/share/jupyter", "PYTHONPATH": "/scratch/home"}
    command = ["/srv/hpcbinder/bin/hpcbinder", "start", "--launch", "/scratch/launch"]
    enter = ["buildah", *where, "unshare", "sh", "-c", ENTER, str(tree), str(scratch)]
    inside = ["/srv/hpcbinder/tools/python/bin/python3", "-I", "-c", ENVIRONMENT, json.dumps(job)]
    with (scratch / "job.log").open("wb") as log:
        return subprocess.Popen(
            builder.command(*enter, *inside, *command),
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            env={"PATH": os.environ["PATH"]},
        )


ENVIRONMENT = "import json, os, sys; os.execve(sys.argv[2], sys.argv[2:], json.loads(sys.argv[1]))"


def _answers(server: Server) -> bool:
    try:
        return server.get("api/status").status_code == 200
    except httpx.TransportError:
        return False
