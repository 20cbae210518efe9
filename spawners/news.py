"""A server is polled when there is news of its job.

A timer for each server would ask most of the time about what has not changed, and be late when it
has. JupyterHub's own goes on, slowly, for what no news came of.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any


class PolledOnNews:
    """Mixed into a spawner that JupyterHub polls."""

    _poll_callback: Any
    poll_and_notify: Callable[[], Coroutine[Any, Any, Any]]
    _polling: asyncio.Task[Any] | None = None

    def poll_now(self) -> None:
        """If JupyterHub polls it at all: not while it starts or stops, nor where a site has
        switched that off."""
        under_way = self._polling and not self._polling.done()
        if self._poll_callback and not under_way:
            self._polling = asyncio.create_task(self.poll_and_notify(), name="poll-on-news")
