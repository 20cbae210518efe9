"""One run of a cell on the workers: sent, followed, and cancelled."""

from __future__ import annotations

import asyncio
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

from distributed.client import CancelledError, Client, Future

from . import remote
from .errors import CellError
from .lines import Line, Lines
from .parts import CANCELLED, Cell, Done, Failure, Outcome, Part

KEPT_LINES = 10_000
LOOK_SECONDS = 1.0
"""Between two looks at who is still there."""
ANSWER_SECONDS = 5.0
GRACE_SECONDS = 2.0
"""For what was interrupted to end by itself."""


class Run:
    """What a cell does on the workers: `result()` waits for all of it, iterating gives each part as
    it arrives, `cancel()` ends it."""

    def __init__(self, client: Client, cell: Cell, parts: list[Part], shape: str) -> None:
        self.cell = cell
        self.parts = parts
        self.shape = shape
        """`one`, `all` or `each`: how the result looks."""
        self.output: deque[Line] = deque(maxlen=KEPT_LINES)
        """What was printed."""
        self.stuck: list[str] = []
        """Workers that are still in a cell which was cancelled."""
        self.lines = Lines()
        self.client = client
        self.watchers: list[Callable[[], None]] = []
        """Told, in the thread of Dask's client, whenever there is news."""
        self._begun, self._ended = time.monotonic(), 0.0
        self._names: dict[int, str] = {}
        self._pinned: dict[int, str] = {}
        self._futures: dict[int, Future] = {}
        self._arrived: list[Done] = []
        self._known: set[int] = set()
        self._news = threading.Condition()
        self._printed: deque[Line] = deque()

    # How it begins

    def begin(self, on: dict[str, str] | None, values: dict[str, Any]) -> None:
        """Send each part to its worker, or to whoever is free if no workers are given."""
        self.client.subscribe_topic(self.cell.id, self._heard)
        options = {
            "cell": self.cell,
            "pure": False,
            **{remote.VALUE + name: value for name, value in values.items()},
        }
        keys = [f"{self.cell.id}-{part.index}" for part in self.parts]
        if on is None:
            futures = self.client.map(remote.run_part, self.parts, key=keys, **options)
        else:
            self._names = dict(enumerate(on))
            self._pinned = dict(enumerate(on.values()))
            futures = [
                self.client.submit(remote.run_part, part, key=key, workers=[address], **options)
                for part, key, address in zip(self.parts, keys, on.values())
            ]
        self._futures = dict(enumerate(futures))
        self.client.loop.add_callback(self._follow)

    # What is known of it

    @property
    def done(self) -> bool:
        """Whether nothing more can come."""
        return len(self._arrived) == len(self.parts)

    @property
    def progress(self) -> tuple[int, int]:
        """How many parts have ended, and how many there are."""
        return len(self._arrived), len(self.parts)

    @property
    def errors(self) -> list[Done]:
        """The parts that failed up to now."""
        return [done for done in list(self._arrived) if done.failure is not None]

    def __iter__(self) -> Iterator[Done]:
        """Each part as it arrives, failed ones too."""
        for number in range(len(self.parts)):
            self.wait(lambda number=number: len(self._arrived) > number)  # type: ignore[misc]
            yield self._arrived[number]

    def result(self, timeout: float | None = None) -> Any:
        """The value of one, a dictionary by worker, or a list in the order of the rows; `CellError`
        if anything failed."""
        if not self.wait(lambda: self.done, timeout):
            raise TimeoutError(f"{self} is not done after {timeout:g} s.")
        if self.errors:
            raise CellError(sorted(self.errors), len(self.parts))
        return self.values()

    def values(self) -> Any:
        """What there is of the result, with the failure in the place of what failed."""
        found = sorted(self._arrived, key=lambda done: done.index)
        values = [done.failure or done.value for done in found]
        if self.shape == "one":
            return values[0] if values else None
        if self.shape == "all":
            return {done.worker: value for done, value in zip(found, values)}
        return values

    def wait(self, until: Callable[[], bool], timeout: float | None = None) -> bool:
        """Sleep until something is so; whether it is."""
        with self._news:
            return self._news.wait_for(until, timeout)

    def printed(self) -> list[Line]:
        """The lines that have come since this was asked last."""
        with self._news:
            found = list(self._printed)
            self._printed.clear()
            return found

    def bars(self) -> list[str]:
        """What is drawn over and over, and how far all is."""
        with self._news:
            drawn = [f"[{self.who(part)}] {text}" for part, text in self.lines.bars().items()]
        if self.shape == "each":
            done, total = self.progress
            drawn.insert(0, f"{done} of {total} rows")
        return drawn

    def who(self, part: int) -> str:
        """Which worker has a part, and the row if there are some."""
        name = self._names.get(part, "")
        return name if self.parts[part].row is None else f"{name} row {part}".strip()

    def __repr__(self) -> str:
        done, total = self.progress
        state = "cancelled" if CANCELLED in [one.failure for one in self.errors] else "done"
        failed = sum(one.failure != CANCELLED for one in self.errors)
        words = [f"{self.cell.label}: {done} of {total} {state if self.done else 'done'}"]
        words += [f"{failed} failed"] * bool(failed)
        words.append(f"{(self._ended or time.monotonic()) - self._begun:.0f} s")
        if self.stuck:
            words.append(
                f"{', '.join(self.stuck)} still in a call that cannot be interrupted, which "
                "ends by itself (client.restart() ends it now, and all else that runs)"
            )
        return ", ".join(words)

    def _ipython_display_(self) -> None:
        from .screen import show

        show(self)

    # What arrives, in the thread of Dask's client

    def _heard(self, event: tuple[float, dict[str, Any]]) -> None:
        told = event[1]
        part = told["part"]
        with self._news:
            if "name" in told:
                self._names[part] = told["name"]
            else:
                self._say(self.lines.feed(part, self.who(part), told["stream"], told["text"]))
            self._news.notify_all()
        self._tell()

    def _tell(self) -> None:
        for watcher in list(self.watchers):
            watcher()

    def _say(self, lines: Iterator[Line]) -> None:
        for line in lines:
            self.output.append(line)
            self._printed.append(line)

    async def _follow(self) -> None:
        waiting = {
            asyncio.ensure_future(self._await(index, future))
            for index, future in list(self._futures.items())
        }
        while waiting:
            _, waiting = await asyncio.wait(waiting, timeout=LOOK_SECONDS)
            if waiting and self._pinned:
                await self._miss()
        self._ended = time.monotonic()
        # If the client was closed, so is this.
        with suppress(Exception):
            self.client.unsubscribe_topic(self.cell.id)
            await self.client._run_on_scheduler(remote.forget, topic=self.cell.id)

    async def _await(self, index: int, future: Future) -> None:
        try:
            outcome = await future._result()
            # The worker need not keep it.
            del self._futures[index]
        except (CancelledError, asyncio.CancelledError):
            outcome = Outcome(self._names.get(index, ""), None, CANCELLED)
        except Exception as error:
            # The cell's own are part of an outcome; this is what became of its worker.
            words = Failure(type(error).__name__, str(error), "")
            outcome = Outcome(self._names.get(index, ""), None, words)
        self._arrive(index, outcome)

    async def _miss(self) -> None:
        """Dask waits for a worker that is gone: another may come at its address."""
        with suppress(OSError):
            there = await self.client.scheduler.ncores()
            for index, address in self._pinned.items():
                if address not in there and index not in self._known:
                    lost = Failure("WorkerLost", "the worker is gone", "")
                    self._arrive(index, Outcome(self._names[index], None, lost))
                    await self.client._cancel([self._futures[index]])

    def _arrive(self, index: int, outcome: Outcome) -> None:
        with self._news:
            if index in self._known:
                return
            self._known.add(index)
            self._names[index] = outcome.worker or self._names.get(index, "")
            self._say(self.lines.end(index, self.who(index)))
            row = self.parts[index].row
            done = Done(
                index, self._names[index], row, outcome.value, outcome.failure, outcome.seconds
            )
            self._arrived.append(done)
            self._news.notify_all()
        self._tell()

    # How it ends early

    def cancel(self) -> None:
        """Begin no more of it, interrupt what runs, end child processes that are waited for."""
        self.client.sync(self._cancel)

    async def _cancel(self) -> None:
        await self._everywhere(remote.stop)
        await self.client._cancel(list(self._futures.values()))
        if await self._left(GRACE_SECONDS):
            await self._everywhere(remote.stop, number=int(signal.SIGKILL))
            self.stuck = await self._left(GRACE_SECONDS)
        for index in range(len(self.parts)):
            self._arrive(index, Outcome(self._names.get(index, ""), None, CANCELLED))

    async def _left(self, seconds: float) -> list[str]:
        """Those who are in it after so long."""
        end = time.monotonic() + seconds
        while True:
            counts = await self._everywhere(remote.still)
            found = [address for address, count in counts.items() if count]
            if not found or time.monotonic() > end:
                return found
            await asyncio.sleep(0.05)

    async def _everywhere(self, what: Callable[..., int], **options: Any) -> dict[str, int]:
        asked = self.client._run(what, self.cell.id, on_error="ignore", **options)
        try:
            found: dict[str, int] = await asyncio.wait_for(asked, ANSWER_SECONDS)
        except (asyncio.TimeoutError, OSError):
            # What keeps the whole process from answering, we cannot interrupt.
            return {}
        return found
