"""What counts as use of a server: running cells, kernels and terminals in which something happens,
saved files, and whatever else says so. A page that is merely open does not count."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timezone
from typing import Any

Source = Callable[[], Iterable[float]]
"""How many seconds ago each of some things was in use."""


class Activity:
    """When the server was last in use."""

    def __init__(self, now: float, *sources: Source) -> None:
        self._last = now
        self._sources = sources

    def note(self, now: float) -> None:
        """It is in use now."""
        self._last = max(self._last, now)

    def unused(self, now: float) -> float:
        """For how many seconds it has not been. What was seen in use stays seen, even if that
        kernel or terminal has gone since."""
        for source in self._sources:
            for ago in source():
                self._last = max(self._last, now - max(0.0, ago))
        return now - self._last


def kernels(manager: Any) -> Iterator[float]:
    """Of each kernel: a running cell is use as long as it runs."""
    for name in list(manager.list_kernel_ids()):
        kernel = manager.get_kernel(name)
        if getattr(kernel, "execution_state", "") == "busy":
            yield 0.0
        else:
            yield from moments([getattr(kernel, "last_activity", None)])


def terminals(manager: Any) -> Iterator[float]:
    """Of each terminal: what is typed or printed, and a program that runs in its shell."""
    for terminal in list(manager.terminals.values()):
        if _runs_a_program(terminal):
            yield 0.0
        else:
            yield from moments([getattr(terminal, "last_activity", None)])


def moments(known: Iterable[datetime | None]) -> Iterator[float]:
    """Of moments by this node's clock."""
    now = datetime.now(timezone.utc)
    return ((now - moment).total_seconds() for moment in known if moment is not None)


def _runs_a_program(terminal: Any) -> bool:
    """Whether the terminal belongs to something else than the shell that was started in it."""
    shell = getattr(terminal, "ptyproc", None)
    try:
        return shell is not None and os.tcgetpgrp(shell.fd) != os.getpgid(shell.pid)
    except OSError:
        # It has just ended.
        return False
