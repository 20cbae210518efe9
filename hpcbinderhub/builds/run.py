"""``python -m hpcbinderhub.builds.run``: one request as a line of JSON in, events as lines out.

This process supervises: it starts the build in namespaces of its own, passes its events on, holds
it to its limits, and ends it when nobody reads the events any more. The build ends itself when
this process is gone.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterator
from typing import IO

from pydantic import ValidationError

from hpcbinderhub.builds import processes
from hpcbinderhub.builds.builders import builder_of
from hpcbinderhub.builds.fence import host
from hpcbinderhub.builds.request import (
    BuildEvent,
    BuildRequest,
    BuiltEvent,
    FailedEvent,
    LogEvent,
    build_events,
)
from hpcbinderhub.builds.storage import check_storage
from hpcbinderhub.builds.verdicts import crashed, timed_out, too_talkative
from hpcbinderhub.errors import UserError

MAX_REQUEST = 1 << 20

SECONDS = 1.0
"""How soon it is noticed that the build's first process was killed."""

MANY_LOGS = 16
"""How often a build may print what is kept of its log, before it is ended."""


class PeerGone(Exception):
    """Nobody reads the events any more, or wants them."""


class TimeIsUp(Exception):
    """The build has used the time it may use."""


class TooTalkative(Exception):
    """The build prints without end."""


def main() -> int:
    """Read a request, run its build, and end with its outcome."""
    signal.signal(signal.SIGTERM, stop)
    try:
        request = BuildRequest.model_validate_json(sys.stdin.buffer.readline(MAX_REQUEST))
        check_storage(request.storage)
    except ValidationError as error:
        emit(FailedEvent(cause="internal", message="The request is not valid.", advice="",
                         lines=tuple(str(error).splitlines())))  # fmt: skip
        return 1
    except UserError as error:
        emit(FailedEvent(cause="internal", message=error.message, advice=error.advice))
        return 1
    processes.adopt_orphans()
    return supervise(request)


def stop(_signal: int, _frame: object) -> None:
    """End the build as if nobody read its events any more."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise PeerGone


def emit(event: BuildEvent) -> None:
    """Write one event."""
    sys.stdout.write(event.model_dump_json() + "\n")
    sys.stdout.flush()


def supervise(request: BuildRequest) -> int:
    """Run the build in its namespaces until it ends or has to be ended."""
    log = BoundedLog(request.limits.log_bytes)
    with tempfile.TemporaryFile() as errors:
        child = _start(request, errors)
        try:
            last = _relay(child, request.limits.seconds, log)
        except PeerGone:
            return 1
        except TimeIsUp:
            last = end(timed_out(list(log.tail), request.limits.seconds))
        except TooTalkative:
            last = end(too_talkative(list(log.tail), request.limits.log_bytes))
        finally:
            processes.kill_descendants()
        if last is None:
            errors.seek(0)
            words = errors.read().decode("utf-8", "replace").splitlines()
            last = crashed([*log.tail, *words])
            emit(last)
    return 0 if isinstance(last, BuiltEvent) else 1


def end(verdict: FailedEvent) -> FailedEvent:
    """End the build, and say why."""
    processes.kill_descendants()
    emit(verdict)
    return verdict


def _start(request: BuildRequest, errors: IO[bytes]) -> subprocess.Popen[bytes]:
    builder = builder_of(request.builder, request.storage)
    namespaces = host.NAMESPACES if host.has_namespaces(builder) else ()
    pipeline = (sys.executable, "-m", "hpcbinderhub.builds.pipeline")
    child = subprocess.Popen(
        builder.inside(*namespaces, *pipeline),
        env=host.environment(builder),
        cwd="/",
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=errors,
    )
    assert child.stdin is not None
    # It stays open: its end is how the build learns that this process is gone.
    child.stdin.write(request.model_dump_json().encode() + b"\n")
    child.stdin.flush()
    return child


class BoundedLog:
    """Passes log lines on up to a limit, and remembers the last ones all the same."""

    def __init__(self, limit: int):
        self.left = limit
        self.most = (1 - MANY_LOGS) * limit
        self.tail: deque[str] = deque(maxlen=400)

    def add(self, event: LogEvent) -> None:
        """Pass one line on, or tell once that no more follow."""
        self.tail.append(event.message)
        before = self.left
        self.left -= len(event.message.encode("utf-8", "replace")) + 1
        if self.left < self.most:
            raise TooTalkative
        if before <= 0:
            return
        emit(event)
        if self.left <= 0:
            emit(event.model_copy(update={"message": "(The log is longer than this site keeps.)"}))


def _relay(
    child: subprocess.Popen[bytes], seconds: float, log: BoundedLog
) -> BuiltEvent | FailedEvent | None:
    """Pass events on until the build's process ends; its last event, if it told one."""
    last: BuiltEvent | FailedEvent | None = None
    try:
        for line in _lines(child, time.monotonic() + seconds):
            event = build_events.validate_json(line)
            if isinstance(event, LogEvent):
                log.add(event)
            else:
                last = event
                emit(last)
    except BrokenPipeError as error:
        raise PeerGone from error
    except TimeIsUp:
        # A build that has told its end only tidies up, which the next one can do as well.
        if last is None:
            raise
    return last


def _lines(child: subprocess.Popen[bytes], deadline: float) -> Iterator[bytes]:
    """Lines the build writes, as long as somebody reads what is made of them."""
    assert child.stdout is not None
    output, ours = child.stdout.fileno(), sys.stdout.fileno()
    poll = select.poll()
    poll.register(output, select.POLLIN)
    # Asked for nothing, poll still tells that the other end of a pipe or socket is gone.
    poll.register(ours, 0)
    rest = b""
    while True:
        if time.monotonic() >= deadline:
            raise TimeIsUp
        ready = dict(poll.poll(min(SECONDS, max(0.0, deadline - time.monotonic())) * 1000 + 1))
        if ours in ready:
            raise PeerGone
        if output in ready:
            block = os.read(output, 1 << 16)
            if not block:
                return
            *lines, rest = (rest + block).split(b"\n")
            yield from lines
        elif child.poll() is not None:
            return  # What it started goes on without it, and holds the output open.


if __name__ == "__main__":
    sys.exit(main())
