"""The requests that the reading process works on: a queue and a few threads."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from queue import SimpleQueue
from typing import Any, Protocol

from ..errors import Cancelled, Refusal
from ..work import Work
from .answer import Answer, Body, refused
from .ending import step_back
from .settings import Settings
from .table import Operation
from .turns import Turns

log = logging.getLogger(__name__)

PIECE = 1 << 20
"""Of an answer that comes in parts: what a slow browser has not taken waits in this process, which
may die alone, and not in the Jupyter server."""
LESS_URGENT = 5
"""For the kernel: what nobody waits for with a hand on a slider."""
SUPERSEDED = Refusal(409, "A newer picture of this view was asked for.", "", "superseded")


class Send(Protocol):
    """Puts an answer on its way to the Jupyter server."""

    def __call__(self, number: int, answer: Answer, *, more: bool = False) -> None: ...


class Job:
    """One request, from its arrival to the last part of its answer."""

    def __init__(self, header: dict[str, Any], operation: Operation, work: Work) -> None:
        self.number: int = header["id"]
        self.arguments: dict[str, str] = header.get("arguments", {})
        self.quick: bool = header.get("quick", False)
        self.compress: bool = header.get("compress", False)
        self.operation = operation
        self.work = work
        self.parts: Iterator[Body] | None = None


class Jobs:
    """Requests come in by `begin`, `go_on` and `cancel`, from one thread; answers go out by `send`.

    What is not quick, an export for one, has threads of its own that step back behind the others:
    a slider that is dragged waits for none of it.
    """

    def __init__(self, settings: Settings, send: Send) -> None:
        self._settings = settings
        self._send = send
        self._turns = Turns()
        # Who takes a job out of here answers it. That is one step for Python: no lock is needed.
        self._known: dict[int, Job] = {}
        self._quick: SimpleQueue[Job] = SimpleQueue()
        self._slow: SimpleQueue[Job] = SimpleQueue()
        for number in range(settings.requests):
            self._start(f"picture-{number}", self._quick, 0)
        for number in range(max(2, settings.requests // 2)):
            self._start(f"request-{number}", self._slow, LESS_URGENT)

    def begin(self, header: dict[str, Any], operation: Operation) -> None:
        """A request."""
        job = Job(header, operation, Work(self._settings.request_bytes, self._settings.seconds))
        view = header.get("view")

        def supersede() -> None:
            if self._drop(job.number):
                self._send(job.number, refused(SUPERSEDED))

        if view is not None and not self._turns.newer(view, header["turn"], supersede):
            self._send(job.number, refused(SUPERSEDED))
            return
        self._known[job.number] = job
        self._put(job)

    def go_on(self, number: int) -> None:
        """The next part of an answer is wanted."""
        job = self._known.get(number)
        if job is not None and job.parts is not None:
            job.work.renew()
            self._put(job)

    def cancel(self, number: int) -> None:
        """Nobody waits for it any more."""
        self._drop(number)

    def _drop(self, number: int) -> bool:
        job = self._known.pop(number, None)
        if job is not None:
            job.work.cancel()
        return job is not None

    def _put(self, job: Job) -> None:
        (self._quick if job.quick else self._slow).put(job)

    def _start(self, name: str, queue: SimpleQueue[Job], less_urgent: int) -> None:
        arguments = (queue, less_urgent)
        threading.Thread(target=self._serve, name=name, args=arguments, daemon=True).start()

    def _serve(self, queue: SimpleQueue[Job], less_urgent: int) -> None:
        step_back(less_urgent)
        while True:
            self._work(queue.get())

    def _work(self, job: Job) -> None:
        answer, more = self._worked(job)
        if more:
            wanted = job.number in self._known
        else:
            wanted = self._known.pop(job.number, None) is not None
        # Superseded or cancelled meanwhile: that was told already, if to anybody.
        if wanted:
            self._send(job.number, answer, more=more)

    def _worked(self, job: Job) -> tuple[Answer, bool]:
        """The answer, or the next part of it; and whether another may follow."""
        try:
            job.work.check()
            if job.parts is not None:
                return self._part(job.parts)
            answer = job.operation(job.arguments, job.work)
            if answer.parts is not None:
                job.parts = pieces(answer.parts)
                return answer, True
            if job.compress:
                answer = answer.compressed()
            return self._bounded(answer), False
        except Refusal as refusal:
            return refused(refusal), False
        except Cancelled:
            return refused(SUPERSEDED), False
        except MemoryError:
            return refused(_no_memory()), False
        except Exception as error:
            log.exception("hpcbinder.slicer: %s", job.arguments)
            return refused(_defect(error)), False

    def _part(self, parts: Iterator[Body]) -> tuple[Answer, bool]:
        for part in parts:
            return self._bounded(Answer(part)), True
        return Answer(), False

    def _bounded(self, answer: Answer) -> Answer:
        if memoryview(answer.body).nbytes > self._settings.answer_bytes:
            raise Refusal(
                413,
                f"The answer is longer than {self._settings.answer_bytes >> 20} MB.",
                "Ask for a smaller part, for every n-th value, or for fewer bits.",
                "answer",
            )
        return answer


def pieces(parts: Iterator[Body]) -> Iterator[Body]:
    """The same bytes, of which no piece is long."""
    for part in parts:
        view = memoryview(part).cast("B")
        for at in range(0, len(view), PIECE):
            yield view[at : at + PIECE]


def _no_memory() -> Refusal:
    return Refusal(
        413,
        "This needs more memory than the reading process may take.",
        "Ask for a smaller part, or let an admin raise c.Slicer.memory_bytes.",
        "memory",
    )


def _defect(error: Exception) -> Refusal:
    said = f"{type(error).__name__}: {error}"
    return Refusal(
        500,
        "Something in the slicer went wrong with this request; the server's log has the rest.",
        f"Other requests are not affected. It said: {said[:500]}",
        "defect",
    )
