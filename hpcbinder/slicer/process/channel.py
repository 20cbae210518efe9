"""The Jupyter server's end of the socket: answers come in any order, and nothing blocks."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Any

from .frames import Broken, Incoming, pack

AT_ONCE = 1 << 20
"""Bytes that are taken before the event loop serves others: a fraction of a millisecond."""

Arrived = Callable[[dict[str, Any], bytearray], None]


class Channel:
    """`arrived` hears of every frame, `closed` of the end; both are called by the event loop."""

    def __init__(
        self,
        connection: socket.socket,
        max_body: int,
        arrived: Arrived,
        closed: Callable[[], None],
    ) -> None:
        self._connection = connection
        self._incoming = Incoming(max_body)
        self._outgoing = bytearray()
        self._arrived = arrived
        self._closed = closed
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(connection, self._read)
        self.open = True

    def send(self, header: dict[str, Any]) -> None:
        """Requests are small: as a rule the kernel takes them at once."""
        if not self.open:
            return
        waiting = bool(self._outgoing)
        self._outgoing += pack(header)
        if not waiting:
            self._write()
            if self.open and self._outgoing:
                self._loop.add_writer(self._connection, self._write)

    def close(self) -> None:
        """Nothing comes or goes any more; `closed` is not called for it."""
        if self.open:
            self.open = False
            self._loop.remove_reader(self._connection)
            self._loop.remove_writer(self._connection)
            self._connection.close()

    def _write(self) -> None:
        try:
            del self._outgoing[: self._connection.send(self._outgoing)]
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            self._end()
            return
        if not self._outgoing:
            self._loop.remove_writer(self._connection)

    def _read(self) -> None:
        left = AT_ONCE
        try:
            while left > 0 and self.open:
                nbytes = self._connection.recv_into(self._incoming.space())
                if not nbytes:
                    self._end()
                    return
                left -= nbytes
                frame = self._incoming.arrived(nbytes)
                if frame is not None:
                    self._arrived(*frame)
        except (BlockingIOError, InterruptedError):
            return
        except (OSError, Broken, ValueError):
            self._end()

    def _end(self) -> None:
        if self.open:
            self.close()
            self._closed()
