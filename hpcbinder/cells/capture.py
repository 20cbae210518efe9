"""What a cell prints on a worker, sent away while it runs.

Threads of one worker may run different things at the same time, so what is printed is told apart by
the thread that prints it.
"""

from __future__ import annotations

import io
import re
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TextIO

SECONDS = 0.1
"""Between two messages about the same part."""
MOST = 2**22
"""Characters of one part: whoever prints without end fills nobody's memory."""
DASK_THREADS = "Dask-"

Send = Callable[[str, str], None]
Later = Callable[[float, Callable[[], None]], None]

_lock = threading.RLock()
_captures: dict[int, Capture] = {}
_OVERWRITTEN = re.compile(r"[^\n]*\r(?=[^\r\n]*[^\s])")


class Capture:
    """The output of one part: gathered for a moment, then sent."""

    def __init__(self, send: Send, later: Later) -> None:
        self._send = send
        self._later = later
        self._gathered: list[tuple[str, str]] = []
        self._due = False
        self._left = MOST

    def write(self, stream: str, text: str) -> None:
        """What was printed to `out` or `err`."""
        with _lock:
            if self._left <= 0 or not text:
                return
            self._left -= len(text)
            if self._left <= 0:
                text = text[: self._left or None] + "\n(more than is shown)\n"
            self._gathered.append((stream, text))
            begin, self._due = not self._due, True
        if begin:
            self._later(SECONDS, self.flush)

    def flush(self) -> None:
        """Send what there is."""
        with _lock:
            gathered, self._gathered, self._due = self._gathered, [], False
        joined: list[tuple[str, str]] = []
        for stream, text in gathered:
            if joined and joined[-1][0] == stream:
                text = joined.pop()[1] + text
            joined.append((stream, text))
        for stream, text in joined:
            # A bar that was drawn anew since is not sent.
            self._send(stream, _OVERWRITTEN.sub("\r", text))


class Router(io.TextIOBase):
    """Stands for a stream of the process while cells run."""

    def __init__(self, name: str, original: TextIO) -> None:
        self._name = name
        self.original = original

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return "utf-8"

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        """What a child process would inherit: the worker's own output, which is its log."""
        return self.original.fileno()

    def write(self, text: str) -> int:
        capture = _of_this_thread()
        if capture is None:
            self.original.write(text)
        else:
            capture.write(self._name, text)
        return len(text)

    def flush(self) -> None:
        if _of_this_thread() is None:
            self.original.flush()


@contextmanager
def captured(send: Send, later: Later) -> Iterator[None]:
    """What this thread prints, and those that it starts."""
    capture = Capture(send, later)
    with _lock:
        if not isinstance(sys.stdout, Router):
            sys.stdout, sys.stderr = Router("out", sys.stdout), Router("err", sys.stderr)
        _captures[threading.get_ident()] = capture
    try:
        yield
    finally:
        with _lock:
            _captures.pop(threading.get_ident(), None)
            if not _captures:
                _restore()
        capture.flush()


def _of_this_thread() -> Capture | None:
    """Its own, or that of the only cell: a thread that draws a bar is seldom the cell's own."""
    with _lock:
        own = _captures.get(threading.get_ident())
        if own is not None or len(_captures) != 1:
            return own
        if threading.current_thread().name.startswith(DASK_THREADS):
            # It runs another task.
            return None
        return next(iter(_captures.values()))


def _restore() -> None:
    for name in ("stdout", "stderr"):
        stream: Any = getattr(sys, name)
        # Whatever was put in its place meanwhile stays.
        if isinstance(stream, Router):
            setattr(sys, name, stream.original)
