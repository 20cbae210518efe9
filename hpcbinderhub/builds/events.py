"""What a build says while it runs: events, one a line on standard output."""

from __future__ import annotations

import contextlib
import logging
import sys
import threading
import time
from collections.abc import Iterator
from typing import Literal

from hpcbinderhub.builds.request import BuildEvent, LogEvent

MAX_LINE = 2000
"""Some print a whole file without a line break. The service takes reports of a certain size."""
KEPT_LINES = 400
"""How much of the end of a log is searched for the cause of a failure."""

Phase = Literal["building", "converting"]


class Reporter:
    """Writes events, and remembers the last lines and how long each phase took."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.seconds: dict[str, float] = {}
        self._lock = threading.Lock()
        self._ended = False

    def emit(self, event: BuildEvent) -> None:
        """Write one event; none follows the one that ends the build."""
        with self._lock:
            if self._ended:
                return
            self._ended = not isinstance(event, LogEvent)
            sys.stdout.write(event.model_dump_json() + "\n")
            sys.stdout.flush()

    def log(self, phase: Phase, text: str) -> None:
        """Write lines of the log; a very long one as several."""
        for line in text.splitlines():
            pieces = [line[start : start + MAX_LINE] for start in range(0, len(line), MAX_LINE)]
            for piece in filter(str.strip, pieces):
                self.lines = [*self.lines[-KEPT_LINES:], piece]
                self.emit(LogEvent(phase=phase, message=piece))

    @contextlib.contextmanager
    def timed(self, phase: str) -> Iterator[None]:
        """Note how long something takes."""
        begin = time.monotonic()
        try:
            yield
        finally:
            self.seconds[phase] = round(time.monotonic() - begin, 3)


class LogLines(logging.Handler):
    """Passes what repo2docker logs on as events."""

    def __init__(self, reporter: Reporter):
        super().__init__()
        self.reporter = reporter

    def emit(self, record: logging.LogRecord) -> None:
        """Pass one record on."""
        self.reporter.log("building", record.getMessage())
