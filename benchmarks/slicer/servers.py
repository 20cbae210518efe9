"""The servers, each a process of its own on this host, in the environment of the run."""

from __future__ import annotations

import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from .connection import TOKEN
from .environment import ROOT

START_SECONDS = 60
H5WEB = "jupyterlab_h5web"
OURS = "hpcbinder.slicer"
INSIDE = Path(__file__).with_name("inside")


@dataclass(frozen=True)
class Server:
    """Where it listens, and the process that all of its others are below."""

    port: int
    pid: int


@contextmanager
def jupyter(python: Path, folder: Path, extension: str) -> Iterator[Server]:
    """A Jupyter server with this one extension and the floor's, as the user has it but for logs."""
    port = _free_port()
    command = [python, "-m", "jupyter_server", *_options(port, folder, extension)]
    with _running(command, port) as server:
        yield server


@contextmanager
def jupyterlab(python: Path, folder: Path, extensions: Path) -> Iterator[Server]:
    """JupyterLab with ours, and in the browser nothing but what is in a folder of extensions."""
    port = _free_port()
    command = [python, "-m", "jupyterlab", *_options(port, folder, OURS)]
    with _running([*command, f"--LabApp.labextensions_path={extensions}"], port) as server:
        yield server


def _options(port: int, folder: Path, extension: str) -> list[str]:
    options = {
        "ServerApp.ip": "127.0.0.1",
        "ServerApp.port": port,
        "ServerApp.port_retries": 0,
        "ServerApp.open_browser": False,
        "ServerApp.allow_root": True,
        "ServerApp.root_dir": folder,
        "ServerApp.log_level": "WARN",
        "ServerApp.jpserver_extensions": {extension: True, "floor": True},
        "IdentityProvider.token": TOKEN,
    }
    return [f"--{name}={value}" for name, value in options.items()]


@contextmanager
def h5grove(python: Path, folder: Path) -> Iterator[Server]:
    """h5grove without Jupyter."""
    port = _free_port()
    with _running([python, INSIDE / "grove.py", folder, port], port) as server:
        yield server


@contextmanager
def _running(command: Sequence[object], port: int) -> Iterator[Server]:
    with tempfile.TemporaryDirectory() as home:
        env = os.environ | {
            "PYTHONPATH": os.pathsep.join(map(str, (ROOT, INSIDE))),
            "HOME": home,
            # Only what it is told, not what is installed beside it.
            "JUPYTER_NO_CONFIG": "1",
        }
        process = subprocess.Popen([str(part) for part in command], env=env)
        try:
            _wait(process, port)
            yield Server(port, process.pid)
        finally:
            process.terminate()
            process.wait(START_SECONDS)


def _wait(process: subprocess.Popen[bytes], port: int) -> None:
    """Until it takes connections; what is asked then, it answers when it is ready."""
    end = time.monotonic() + START_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionError:
            assert process.poll() is None, "the server ended: see above"
            assert time.monotonic() < end, "the server does not answer"
            time.sleep(0.05)
        else:
            return


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port
