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

from hpcbinderhub.builds import commands, processes
from hpcbinderhub.builds.causes import crashed, timed_out
from hpcbinderhub.builds.request import (
    BuildEvent,
    BuildRequest,
    BuiltEvent,
    FailedEvent,
    LogEvent,
    Storage,
    build_events,
)
from hpcbinderhub.errors import UserError

MAX_REQUEST = 1 << 20

# The kernel kills everything in a process namespace when its first process ends, and nothing in it
# sees or signals what is outside. Without a /proc to match, programs find others there under their
# own number.
NAMESPACE = ("unshare", "--fork", "--pid", "--kill-child", "--mount-proc")


class PeerGone(Exception):
    """Nobody reads the events any more, or wants them."""


class TimeIsUp(Exception):
    """The build has used the time it may use."""


def main() -> int:
    """Read a request, run its build, and end with its outcome."""
    signal.signal(signal.SIGTERM, stop)
    try:
        request = BuildRequest.model_validate_json(sys.stdin.buffer.readline(MAX_REQUEST))
        commands.check_storage(request.storage)
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
            processes.kill_descendants()
            last = timed_out(list(log.tail), request.limits.seconds)
            emit(last)
        finally:
            processes.kill_descendants()
        if last is None:
            errors.seek(0)
            words = errors.read().decode("utf-8", "replace").splitlines()
            last = crashed([*log.tail, *words])
            emit(last)
    return 0 if isinstance(last, BuiltEvent) else 1


def _start(request: BuildRequest, errors: IO[bytes]) -> subprocess.Popen[bytes]:
    environment = commands.environment(request.storage)
    if "PYTHONPATH" in os.environ:
        environment["PYTHONPATH"] = os.environ["PYTHONPATH"]
    inside = [sys.executable, "-m", "hpcbinderhub.builds.pipeline"]
    namespace = NAMESPACE if has_namespaces(request.storage) else ()
    child = subprocess.Popen(
        commands.command(request.storage, "unshare", *namespace, *inside),
        env=environment,
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


def has_namespaces(storage: Storage) -> bool:
    """Whether builds get a process namespace of their own.

    Inside a container the kernel refuses the /proc for it, as long as the container's own is
    partly hidden. Builds then see the processes of the builder's account; they are still all
    ended, by looking for them.
    """
    probe = commands.command(storage, "unshare", *NAMESPACE, "true")
    environment = commands.environment(storage)
    return subprocess.run(probe, env=environment, cwd="/", capture_output=True).returncode == 0


class BoundedLog:
    """Passes log lines on up to a limit, and remembers the last ones all the same."""

    def __init__(self, limit: int):
        self.left = limit
        self.tail: deque[str] = deque(maxlen=400)

    def add(self, event: LogEvent) -> None:
        """Pass one line on, or tell once that no more follow."""
        self.tail.append(event.message)
        if self.left <= 0:
            return
        self.left -= len(event.message.encode("utf-8", "replace")) + 1
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
        ready = dict(poll.poll(max(0.0, deadline - time.monotonic()) * 1000 + 1))
        if ours in ready:
            raise PeerGone
        if output in ready:
            block = os.read(output, 1 << 16)
            if not block:
                return
            *lines, rest = (rest + block).split(b"\n")
            yield from lines


if __name__ == "__main__":
    sys.exit(main())
