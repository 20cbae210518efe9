"""Threads for what is waited for, and gentler ones for what may be wanted later."""

from __future__ import annotations

import contextlib
import logging
import os
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

log = logging.getLogger(__name__)

Job = Callable[[], None]
GENTLE = 10
"""How much the threads that work ahead step back for all others of this machine."""


class Turns:
    """Started with the first job. Jobs look themselves whether they are still wanted."""

    def __init__(self, threads: int) -> None:
        self._urgent: deque[Job] = deque()
        self._idle: deque[Job] = deque()
        self._news = threading.Condition()
        self._threads = max(1, threads)
        self._busy = 0
        self._started = False
        self._closed = False

    def soon(self, job: Job) -> None:
        """Somebody waits for it."""
        self._add(self._urgent, job)

    def later(self, job: Job) -> None:
        """When nobody waits for anything."""
        self._add(self._idle, job)

    @contextmanager
    def first(self) -> Iterator[None]:
        """Somebody waits for what is done here: nobody works ahead meanwhile."""
        with self._news:
            self._busy += 1
        try:
            yield
        finally:
            self._over()

    def close(self) -> None:
        """Threads end after the job that they are at."""
        with self._news:
            self._closed = True
            self._news.notify_all()

    def _add(self, jobs: deque[Job], job: Job) -> None:
        with self._news:
            if not self._started:
                self._started = True
                for number in range(self._threads):
                    for name, run in (("decode", self._run), ("ahead", self._run_ahead)):
                        name = f"{name}-{number}"
                        threading.Thread(target=run, name=name, daemon=True).start()
            jobs.append(job)
            self._news.notify_all()

    def _run(self) -> None:
        while True:
            with self._news:
                self._news.wait_for(lambda: self._closed or self._urgent)
                if self._closed:
                    return
                job = self._urgent.popleft()
                self._busy += 1
            _done(job)
            # A piece is many megabytes: not kept while waiting for the next.
            del job
            self._over()

    def _over(self) -> None:
        with self._news:
            self._busy -= 1
            if not self._busy and not self._urgent:
                self._news.notify_all()

    def _run_ahead(self) -> None:
        # Where a thread has no priority of its own, it just has its turn.
        with contextlib.suppress(OSError):
            me = threading.get_native_id()
            now = os.getpriority(os.PRIO_PROCESS, me)
            os.setpriority(os.PRIO_PROCESS, me, min(19, now + GENTLE))
        while True:
            with self._news:
                self._news.wait_for(self._may_work_ahead)
                if self._closed:
                    return
                job = self._idle.popleft()
            _done(job)
            del job

    def _may_work_ahead(self) -> bool:
        waited_for = self._urgent or self._busy
        return self._closed or bool(self._idle and not waited_for)


def _done(job: Job) -> None:
    try:
        job()
    except Exception:
        log.exception("A job of the decoding threads failed")
