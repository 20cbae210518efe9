"""What a worker does with a cell. It is imported there; the notebook only names its functions."""

from __future__ import annotations

import ctypes
import os
import signal
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import cloudpickle
from distributed.worker import get_worker

from . import source
from .capture import captured
from .parts import CANCELLED, Cell, Failure, Outcome, Part

VALUE = "value_"
"""How the keywords begin that are values of the notebook: Dask has names of its own."""

_namespace: dict[str, Any] = {"__name__": "__main__", "__builtins__": __builtins__}
"""What cells leave behind, as long as the worker lives."""
_lock = threading.Lock()
_running: list[_Running] = []
_cancelled: set[str] = set()


class _Running:
    """A thread in which a part runs, for as long as it may be interrupted."""

    def __init__(self, cell: str) -> None:
        self.cell = cell
        self._thread = threading.get_ident()
        self._native = threading.get_native_id()

    def enter(self) -> None:
        with _lock:
            if self.cell in _cancelled:
                raise KeyboardInterrupt
            _running.append(self)

    def leave(self) -> None:
        with _lock:
            if self in _running:
                _running.remove(self)

    def interrupt(self, number: int) -> None:
        """As Ctrl-C would, as soon as the thread is back in Python; a child process that it waits
        for is ended, so that it is."""
        ctypes.pythonapi.PyThreadState_SetAsyncExc(
            ctypes.c_ulong(self._thread), ctypes.py_object(KeyboardInterrupt)
        )
        children = Path(f"/proc/self/task/{self._native}/children")
        with suppress(OSError):
            for child in map(int, children.read_text().split()):
                os.kill(child, number)


def run_part(part: Part, cell: Cell, **values: Any) -> Outcome:
    """Run a cell, or one row of it, in the thread that Dask gives it."""
    running = _Running(cell.id)
    begun = time.monotonic()
    try:
        try:
            running.enter()
            value, failure = _run(part, cell, values)
        finally:
            running.leave()
    except KeyboardInterrupt:
        # One that was sent when the cell's own code had just ended comes here, and no later.
        running.leave()
        value, failure = None, CANCELLED
    return Outcome(str(get_worker().name), value, failure, time.monotonic() - begun)


def stop(cell: str, number: int = signal.SIGTERM) -> int:
    """Interrupt what runs here of a cell, and begin no more of it; how many there were."""
    with _lock:
        _cancelled.add(cell)
        found = [running for running in _running if running.cell == cell]
        for running in found:
            running.interrupt(number)
    return len(found)


def still(cell: str) -> int:
    """How many threads are in a cell."""
    with _lock:
        return sum(running.cell == cell for running in _running)


def forget(dask_scheduler: Any, topic: str) -> None:
    """On the scheduler: what was printed has been read, and takes memory there."""
    with suppress(AttributeError, KeyError):
        dask_scheduler._broker._topics.pop(topic)
    with suppress(AttributeError, KeyError):
        dask_scheduler.events.pop(topic)


def _run(part: Part, cell: Cell, values: dict[str, Any]) -> tuple[Any, Failure | None]:
    worker = get_worker()
    named = {name[len(VALUE) :]: value for name, value in values.items()}
    if part.row is None:
        namespace = _namespace
        namespace.update(named)
    else:
        # Rows may run at the same time, and leave nothing behind.
        namespace = {**_namespace, **named, **part.row}

    def send(stream: str, text: str) -> None:
        worker.log_event(cell.id, {"part": part.index, "stream": stream, "text": text})

    def later(seconds: float, do: Any) -> None:
        worker.loop.add_callback(worker.loop.call_later, seconds, do)

    worker.log_event(cell.id, {"part": part.index, "name": str(worker.name)})
    with captured(send, later):
        try:
            return _portable(source.execute(cell, namespace)), None
        except KeyboardInterrupt:
            return None, CANCELLED
        except BaseException as error:
            return None, source.failure(cell, error)


def _portable(value: Any) -> Any:
    """The value, or what it looks like if it cannot leave the worker."""
    if hasattr(value, "nbytes") or hasattr(value, "__dataframe__"):
        return value
    try:
        cloudpickle.dumps(value)
    except Exception:
        return repr(value)
    return value
