"""The reading process: takes requests from its socket until the Jupyter server is gone."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import sys
from typing import Any

from ..errors import Refusal
from .answer import refused
from .ending import let_the_server_go_first, stay_with
from .follows import Follows
from .jobs import Jobs
from .limits import restrict
from .settings import Settings
from .table import Operations
from .wire import Wire

TURN_SECONDS = 0.0002
"""For how long a thread goes on with Python while others wait. An export as text is little else,
and with Python's 5 ms a picture would wait as long at each of its steps."""


def main(descriptor: int, parent: int) -> None:
    """Serve; returns when the other side has closed."""
    stay_with(parent)
    let_the_server_go_first()
    sys.setswitchinterval(TURN_SECONDS)
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING)
    wire = Wire(socket.socket(fileno=descriptor))
    requests = wire.requests()
    settings = Settings.from_dict(next(requests))
    restrict(settings.memory_bytes)
    # Takes a fraction of a second, and the limits should hold by then.
    from ..answers import operations

    desk = Desk(settings, operations(settings), wire)
    for header in requests:
        desk.take(header)


class Desk:
    """Where frames of the other side are told apart."""

    def __init__(self, settings: Settings, known: Operations, wire: Wire) -> None:
        self._known = known
        self._wire = wire
        self._jobs = Jobs(settings, wire.send)
        self._follows = Follows(wire.send)

    def take(self, header: dict[str, Any]) -> None:
        """One frame."""
        number, do = header["id"], header.get("do")
        if header.get("cancel"):
            self._jobs.cancel(number)
            self._follows.cancel(number)
        elif header.get("next"):
            self._jobs.go_on(number)
        elif do in self._known.answered:
            self._jobs.begin(header, self._known.answered[do])
        elif do in self._known.followed:
            self._follows.begin(header, self._known.followed[do])
        else:
            self._wire.send(number, refused(Refusal(404, f"Nobody here can do “{do}”.")))


def run() -> None:
    """`python -m hpcbinder.slicer.process DESCRIPTOR PARENT`."""
    with contextlib.suppress(ConnectionError, StopIteration):
        main(int(sys.argv[1]), int(sys.argv[2]))
    # Threads that are in the middle of something need not finish it.
    os._exit(0)
