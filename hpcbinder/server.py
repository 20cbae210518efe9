"""The server itself: its port, its command, and the end of the start command."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn
from urllib.parse import urlsplit

from .claim import Grant
from .image import Image
from .keys import FILES, OPTIONS
from .report import Exit, Stop, one_line, say, storage
from .web import Hub

# Which kernels there are, whatever the environment's own settings say.
KERNELS = "--ServerApp.kernel_spec_manager_class=hpcbinder.kernelspecs.KernelSpecs"
PATIENCE = 15 * 60.0


def reserve_port() -> tuple[socket.socket, int]:
    """A port that is free on all interfaces, and the socket that keeps it so until the server's
    program takes this one's place."""
    holder = socket.socket()
    holder.bind(("0.0.0.0", 0))
    return holder, holder.getsockname()[1]


def announce(grant: Grant, port: int, notice: str, hub: Hub) -> None:
    """Tell the hub where the server is going to listen, and what its owner should know."""
    told = {"port": port, "notice": one_line(notice)}
    hub.post(grant.ready_url, told, f"token {grant.token}")


def service_url(env: Mapping[str, str], port: int) -> str:
    """JUPYTERHUB_SERVICE_URL, by which the server knows where to listen."""
    given = urlsplit(env.get("JUPYTERHUB_SERVICE_URL", ""))
    path = given.path or env.get("JUPYTERHUB_SERVICE_PREFIX", "/")
    return f"{given.scheme or 'http'}://0.0.0.0:{port}{path}"


def protection(grant: Grant, directory: Path) -> list[str]:
    """What makes the server speak TLS, and to the hub alone: any other user of any node could reach
    its port, or take it over after it.

    `ssl_options`, because `certfile` and its like are also what JupyterHub's part of the server
    speaks to the hub with, which has a certificate of another kind. The server removes the files
    (`keys.py`); where it does not, the job's script and the hub do at its end.
    """
    files = {name: directory / file for name, file in FILES.items()}
    with storage("server", directory):
        for name, path in files.items():
            path.write_text(getattr(grant.tls, name))
            path.chmod(0o600)
    return [f"--ServerApp.ssl_options={key}={files[name]}" for key, name in OPTIONS.items()]


def command(image: Image, args: Sequence[str]) -> list[str]:
    """The repository's start script, if it has one, with the server's command as its arguments."""
    server = [*image.world.server, *args, KERNELS]
    if not _runs(Path(server[0])):
        raise Stop(
            Exit.SERVER,
            "server",
            f"The image has no {server[0]}. Ask the site's administrators to build the image "
            "again.",
        )
    if image.start is None:
        return server
    if not os.access(image.start, os.X_OK):
        say("server", f"{image.start} is not executable and is left out.")
        return server
    return [image.start, *server]


def become(argv: list[str], env: Mapping[str, str], workspace: Path) -> NoReturn:
    """Turn into the server, so that Slurm's signals reach it directly."""
    os.chdir(workspace)
    # Python ignores the first two, the job's script the third, and what is ignored here would stay
    # ignored in every shell of the user's.
    for ignored in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGUSR1):
        signal.signal(ignored, signal.SIG_DFL)
    try:
        os.execvpe(argv[0], argv, env)
    except OSError as error:
        raise Stop(
            Exit.SERVER,
            "server",
            f"{argv[0]} cannot be run ({error.strerror}). If it is the repository's start script, "
            "check that its first line names a program that the image has.",
        ) from None


def _runs(program: Path) -> bool:
    return program.is_file() and os.access(program, os.X_OK)
