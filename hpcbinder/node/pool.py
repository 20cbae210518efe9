"""The forked processes of a node: each in its place, its output read, its end noticed."""

from __future__ import annotations

import os
import selectors
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

from . import processes
from .ends import End
from .output import Stream, Streams
from .places import Place

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1, signal.SIGCHLD)
STOP_SECONDS = 1.2


class Pool:
    """Processes by their places' numbers, and the one sleep in which all is waited for."""

    def __init__(self, places: list[Place], work: Callable[[int], int]) -> None:
        self.places = places
        self.work = work
        self.running: dict[int, int] = {}
        """The process in each place."""
        self._selector = selectors.DefaultSelector()
        self._streams = Streams(self._selector)
        self._waking, self._waker = socket.socketpair()
        self._listen()
        processes.adopt_orphans()

    def _listen(self) -> None:
        """Signals wake the loop, and are read there."""
        for end in (self._waking, self._waker):
            end.setblocking(False)
        signal.set_wakeup_fd(self._waker.fileno(), warn_on_full_buffer=False)
        for number in SIGNALS:
            signal.signal(number, _noted)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        self._selector.register(self._waking, selectors.EVENT_READ, None)

    def start(self, index: int) -> None:
        """Fork a worker for a place."""
        output = self._streams.open(self.places[index].name)
        launcher = os.getpid()
        process = os.fork()
        if process:
            os.close(output)
            self.running[index] = process
            return
        # From here on it is the worker's process; nothing of the launcher's may run in it.
        code = int(End.FAILED)
        try:
            self._become_worker(launcher, output)
            code = self.work(index)
        except BaseException:
            import traceback

            traceback.print_exc()
        finally:
            # Threads of the user's may still compute, and would keep the process.
            os._exit(code)

    def _become_worker(self, launcher: int, output: int) -> None:
        signal.set_wakeup_fd(-1)
        for number in SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        # What a task starts is in its worker's session, and ends with it.
        os.setsid()
        processes.die_with(launcher)
        self._streams.close_in_child()
        self._selector.close()
        self._waking.close()
        self._waker.close()
        for descriptor in (1, 2):
            os.dup2(output, descriptor)
        os.close(output)

    def wait(self, seconds: float) -> set[int]:
        """Sleep until something happens, pass on what workers print, and return the signals."""
        told: set[int] = set()
        for key, _ in self._selector.select(seconds):
            if isinstance(key.data, Stream):
                self._streams.read(key.data)
            else:
                told |= set(self._waking.recv(4096))
        return told

    def ended(self) -> Iterator[tuple[int, int, int]]:
        """Which places are free again: number, process, and exit code (negative: a signal)."""
        for index, process, code in self._reaped():
            processes.kill_session(process)
            yield index, process, code

    def _reaped(self) -> Iterator[tuple[int, int, int]]:
        places = {process: index for index, process in self.running.items()}
        with suppress(ChildProcessError):
            while True:
                process, status = os.waitpid(-1, os.WNOHANG)
                if not process:
                    return
                # Otherwise it was somebody's orphan.
                if process in places:
                    del self.running[places[process]]
                    yield places[process], process, os.waitstatus_to_exitcode(status)

    def signal(self, index: int, number: int) -> None:
        """Send a signal to the worker in a place."""
        if index in self.running:
            processes.kill(self.running[index], number)

    def stop(self) -> None:
        """End all workers: those that can, in their own way, and whatever is left after them."""
        for index in list(self.running):
            self.signal(index, signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        while self.running and time.monotonic() < deadline:
            self.wait(0.05)
            # What they leave is seen to below, all at once.
            for _ in self._reaped():
                pass
        processes.kill_all()
        self._streams.drain()


def _noted(*_: object) -> None:
    """Its number is in the socket that wakes the loop."""
