"""The reading process's end of the socket."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from typing import Any

from .answer import Answer
from .frames import Incoming, pack

MAX_REQUEST = 1 << 20


class Wire:
    """Requests in, one after the other; answers out, from any thread."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._lock = threading.Lock()

    def requests(self) -> Iterator[dict[str, Any]]:
        """Until the other side is gone."""
        incoming = Incoming(MAX_REQUEST)
        while True:
            nbytes = self._connection.recv_into(incoming.space())
            if not nbytes:
                return
            whole = incoming.arrived(nbytes)
            if whole is not None:
                yield whole[0]

    def send(self, number: int, answer: Answer, *, more: bool = False) -> None:
        """One answer, or one part of it."""
        body = memoryview(answer.body).cast("B")
        header = {
            "id": number,
            "status": answer.status,
            "type": answer.type,
            "headers": dict(answer.headers),
            "more": more,
        }
        first = pack(header, body.nbytes)
        with self._lock:
            sent = self._connection.sendmsg([first, body])
            if sent < len(first):
                self._connection.sendall(first[sent:])
                sent = len(first)
            self._connection.sendall(body[sent - len(first) :])
