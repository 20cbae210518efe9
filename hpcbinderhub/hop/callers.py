"""Whose a connection is that came from this host: the kernel knows, and `ss -e` asks as we do."""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Sequence
from typing import Any

SOCK_DIAG = 4
SOCK_DIAG_BY_FAMILY = 20
REQUEST = 1
ERROR = 2
ENOENT = 2
LISTEN = 10
ANY = 0xFFFFFFFF
ANSWER_BYTES = 4096

HEADER = struct.Struct("=IHHII")
ASKED = struct.Struct("=BBBBI")
PORTS = struct.Struct("!HH")
PLACE = struct.Struct("=III")
ID_BYTES = PORTS.size + 2 * 16 + PLACE.size
TOLD = struct.Struct(f"=xB2x{ID_BYTES}x12xII")
"""Of `inet_diag_msg` in linux/inet_diag.h: the state, the uid and the inode."""


def caller_of(theirs: Sequence[Any], ours: Sequence[Any]) -> int | None:
    """The uid of the program at the other end of a TCP connection, by the addresses of both ends;
    None if that is not on this host.

    ConnectionResetError if it has hung up already: nobody can tell whose it was. OSError if the
    kernel does not answer.
    """
    family = socket.AF_INET6 if ":" in theirs[0] else socket.AF_INET
    asked = ASKED.pack(family, socket.IPPROTO_TCP, 0, 0, ANY) + _id(family, theirs, ours)
    header = HEADER.pack(HEADER.size + len(asked), SOCK_DIAG_BY_FAMILY, REQUEST, 0, 0)
    kind = socket.SOCK_DGRAM | socket.SOCK_CLOEXEC
    with socket.socket(socket.AF_NETLINK, kind, SOCK_DIAG) as kernel:
        kernel.send(header + asked)
        answer = kernel.recv(ANSWER_BYTES)
    if HEADER.unpack_from(answer)[1] == ERROR:
        (error,) = struct.unpack_from("=i", answer, HEADER.size)
        if -error == ENOENT:
            return None
        raise OSError(-error, os.strerror(-error))
    state, uid, inode = TOLD.unpack_from(answer, HEADER.size)
    if state == LISTEN:
        # It has the port of a connection from elsewhere, and is another program.
        return None
    if not inode:
        raise ConnectionResetError("it has hung up")
    return int(uid)


def _id(family: int, theirs: Sequence[Any], ours: Sequence[Any]) -> bytes:
    """`inet_diag_sockid`, of their end."""
    addresses = [socket.inet_pton(family, end[0]).ljust(16, b"\0") for end in (theirs, ours)]
    return PORTS.pack(theirs[1], ours[1]) + b"".join(addresses) + PLACE.pack(0, ANY, ANY)
