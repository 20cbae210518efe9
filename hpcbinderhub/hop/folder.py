"""The folder in which the hub and the process that holds its forwarders find each other."""

from __future__ import annotations

import asyncio
import fcntl
import os
import socket
import struct
from pathlib import Path
from typing import NamedTuple

LEAVING_SECONDS = 5.0
"""How long one that ends may hold the folder while the next one begins."""


class Peer(NamedTuple):
    """Who is at the other end of a Unix socket; the kernel says it."""

    pid: int
    uid: int


class Folder:
    """Mode 0700, with the socket in it. What is at `path` already must be ours alone."""

    def __init__(self, path: Path):
        self.path = path
        self.socket = path / "control"
        self.log = path / "log"

    def make(self) -> None:
        """Make it if it is not there. PermissionError if somebody else can get at it."""
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = self.path.lstat()
        if status.st_uid != os.getuid() or status.st_mode & 0o077:
            raise PermissionError(f"{self.path} is not this account's alone (mode 0700).")

    async def take(self) -> int:
        """Be the one process that answers here, for as long as the returned descriptor is open.
        BlockingIOError if there is one."""
        self.make()
        held = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        limit = asyncio.get_running_loop().time() + LEAVING_SECONDS
        while True:
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if asyncio.get_running_loop().time() > limit:
                    os.close(held)
                    raise
            else:
                return held
            await asyncio.sleep(0.05)

    def fresh_log(self) -> int:
        """A file for what the next process says. What the last one said is kept beside it."""
        if self.log.exists():
            self.log.replace(self.log.with_suffix(".old"))
        return os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)


def peer_of(writer: asyncio.StreamWriter) -> Peer:
    """Who is there."""
    told = writer.get_extra_info("socket").getsockopt(
        socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")
    )
    pid, uid, _ = struct.unpack("3i", told)
    return Peer(pid, uid)
