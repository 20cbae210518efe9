"""The launcher's watch over its workers: what it decides, tick by tick, until the last has gone."""

from __future__ import annotations

import os
import random
import shutil
import signal
import time
from pathlib import Path
from typing import NamedTuple

from ..report import Exit, say
from . import processes
from .board import Board
from .ends import End
from .pool import Pool
from .restarts import History

TICK = 0.25
# Looked for less often: it may lie on storage that thousands of nodes share.
SIGN_SECONDS = 5.0
# A worker that is too busy to pass the word on gets a neighbour asked instead.
RETIRE_SECONDS = 15.0


class Limits(NamedTuple):
    """What the workers of a node have to keep to."""

    memory: int
    """Bytes at which one is ended; 0: as many as there are."""
    lost_contact_seconds: float
    retire: float | None
    """When the work has to move off the node, by the monotonic clock."""
    sign: Path | None
    """The directory that appears when the end is near."""


class Slot:
    """What is known of the worker in one place."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.born = 0.0
        self.again: float | None = 0.0
        """When the next worker may begin; None: never."""
        self.history = History()
        self.condemned = False
        """Whether it was ended for the memory that it held."""


class Supervisor:
    """Starts the workers, replaces those that fail, and ends with the last."""

    def __init__(self, pool: Pool, board: Board, limits: Limits, scratch: Path) -> None:
        self.pool = pool
        self.board = board
        self.limits = limits
        self.scratch = scratch
        self.slots = [Slot(place.name) for place in pool.places]
        self.began = self.contact = time.monotonic()
        self.complete = False
        self.retiring: float | None = None
        """When a worker was asked to retire the node, last."""
        self.looked = 0.0

    def run(self) -> int:
        """The launcher's exit code, when nothing is left to do."""
        try:
            while True:
                now = time.monotonic()
                self._start_due(now)
                told = self.pool.wait(TICK)
                for index, process, end in self.pool.ended():
                    self._gone(index, process, end)
                if told & {signal.SIGTERM, signal.SIGINT}:
                    say("node", "Told to stop: the workers end.")
                    return 0
                code = self._tick(time.monotonic(), signal.SIGUSR1 in told)
                if code is not None:
                    return code
        finally:
            self.pool.stop()

    def _start_due(self, now: float) -> None:
        for index, slot in enumerate(self.slots):
            if index not in self.pool.running and slot.again is not None and slot.again <= now:
                slot.born, slot.condemned = now, False
                self.board.clear(index)
                self.pool.start(index)

    def _tick(self, now: float, end_is_near: bool) -> int | None:
        self._tell_when_complete(now)
        self._watch_memory(now)
        if self.retiring is None and (end_is_near or self._end_is_near(now)):
            say("node", "The end of this node's time is near: its work moves to other nodes.")
            self.retiring = -RETIRE_SECONDS
        self._retire(now)
        return self._over(now)

    def _over(self, now: float) -> int | None:
        """The exit code, if there is nothing to wait for."""
        waiting = self.retiring is None and any(slot.again is not None for slot in self.slots)
        if not self.pool.running and not waiting:
            if any(slot.history.hopeless for slot in self.slots):
                say("node", "No worker can be kept running: see their own lines above.")
                return Exit.WORKERS
            say("node", "All workers have gone.")
            return 0
        contacts = (self.board.contact(index, now) for index in self.pool.running)
        self.contact = max(self.contact, *contacts, 0.0)
        if now - self.contact > self.limits.lost_contact_seconds:
            silent = now - self.contact
            say("node", f"The scheduler has not been heard of for {silent:.0f} s: the workers end.")
            return Exit.LOST_CONTACT
        return None

    def _gone(self, index: int, process: int, end: int) -> None:
        """A worker has ended: whether another takes its place, and when."""
        slot, now = self.slots[index], time.monotonic()
        self.contact = max(self.contact, self.board.contact(index, now))
        shutil.rmtree(self.scratch / slot.name, ignore_errors=True)
        if end == End.WANTED or self.retiring is not None:
            slot.again = None
            return
        connected = self.board.is_connected(index)
        slot.history = slot.history.ended(end, now - slot.born, connected)
        told = f"Worker {slot.name} (process {process}) {_why(end, slot.condemned)}"
        if slot.history.hopeless:
            slot.again = None
            say("node", f"{told} No start of it came to anything, so that it is not started again.")
            return
        pause = slot.history.pause()
        slot.again = now + pause
        say("node", f"{told} Another one begins" + (f" in {pause:.1f} s." if pause else "."))

    def _tell_when_complete(self, now: float) -> None:
        if self.complete or not all(map(self.board.is_connected, range(len(self.slots)))):
            return
        self.complete = True
        say("node", f"All {len(self.slots)} workers were connected after {now - self.began:.2f} s.")

    def _watch_memory(self, now: float) -> None:
        """End a worker before the kernel ends any of the job's processes."""
        if not self.limits.memory:
            return
        for index, process in self.pool.running.items():
            held, slot = processes.resident(process), self.slots[index]
            if held <= self.limits.memory or slot.condemned:
                continue
            slot.condemned = True
            say(
                "node",
                f"Worker {slot.name} holds {held >> 20} MiB of memory, and may hold "
                f"{self.limits.memory >> 20}: it is ended.",
            )
            # To close in its own way, it would need time and more memory.
            processes.kill(process)

    def _end_is_near(self, now: float) -> bool:
        if self.limits.retire is not None and now >= self.limits.retire:
            return True
        if self.limits.sign is None or now - self.looked < SIGN_SECONDS:
            return False
        self.looked = now
        try:
            os.rmdir(self.limits.sign)
        except OSError:
            return False
        return True

    def _retire(self, now: float) -> None:
        """Have one worker ask the scheduler for all; another, if that one does not get to it."""
        if self.retiring is None or now - self.retiring < RETIRE_SECONDS:
            return
        able = [index for index in self.pool.running if self.board.is_connected(index)]
        if able:
            self.pool.signal(random.choice(able), signal.SIGUSR1)
        self.retiring = now


def _why(end: int, condemned: bool) -> str:
    if condemned:
        return "was ended for its use of memory."
    if end == -signal.SIGKILL:
        return "was killed, as the kernel does when a job's memory is full."
    if end < 0:
        return f"crashed ({signal.Signals(-end).name})."
    if end == End.LOST:
        return "has lost the scheduler, or was to begin anew."
    return f"failed (exit code {end})."
