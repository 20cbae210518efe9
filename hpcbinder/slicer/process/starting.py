"""Starts the reading process: a fresh Python, since a server with threads must not be forked."""

from __future__ import annotations

import importlib.util
import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import Refusal

BUFFER = 4 << 20
"""Asked of the kernel, which gives what it allows: fewer turns for a picture."""
NEEDED = ("numpy", "h5py", "isal")
MODULE = "hpcbinder.slicer.process"


@dataclass(frozen=True)
class Started:
    """A process, and this side's end of its socket."""

    process: subprocess.Popen[bytes]
    connection: socket.socket


def refuse_without_libraries(needed: Sequence[str] = NEEDED) -> None:
    """`Refusal` 501 where the environment lacks one: an image may hold what its repository asks
    for, and no more. A process would only die of it, again and again."""
    for name in needed:
        if importlib.util.find_spec(name) is None:
            raise Refusal(
                501,
                f"This environment has no {name}, which the slicer reads HDF5 files with.",
                f"Add {name} to the repository's requirements, or install hpcbinder[slicer].",
                name,
            )


def start(command: Sequence[str] = ("-m", MODULE)) -> Started:
    """Call it from a thread that lives as long as the server: the kernel ties the process to it."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    for end in (ours, theirs):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER)
        end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
    with theirs:
        process = subprocess.Popen(
            [sys.executable, *command, str(theirs.fileno()), str(os.getpid())],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            # `-m` would import a scientist's `types.py` or `numpy.py` from the folder she works in.
            cwd="/",
            env={**_environment(), "PYTHONPATH": _search_path(), **QUIET},
        )
    ours.setblocking(False)
    return Started(process, ours)


QUIET = {
    # Each thread's own pool of small memory is never given back.
    "MALLOC_ARENA_MAX": "2",
    # Pictures are computed in many threads already.
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
}

PREFIXES = ("HDF5_VDS_PREFIX", "HDF5_EXTFILE_PREFIX", "HDF5_EXT_PREFIX")
"""With one of them, HDF5 opens other files than those that were found to lie in the roots."""


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in PREFIXES}


def _search_path() -> str:
    """PYTHONPATH, as it reads from the folder that the server was started in."""
    paths = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    return os.pathsep.join(os.path.abspath(path) for path in paths if path)
