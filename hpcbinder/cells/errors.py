"""What goes wrong with cells, as it is read in a notebook."""

from __future__ import annotations

from collections.abc import Iterable

from ..workers.errors import WorkersError
from .parts import Done, Failure

MOST_NAMED = 8


class Refused(WorkersError):
    """The cell was not run; what is wrong with its first line, and what to write."""

    def _render_traceback_(self) -> list[str]:
        return str(self).splitlines()


class CellError(RuntimeError):
    """What the workers say of a cell that failed: each traceback once, and where it was met."""

    def __init__(self, failed: Iterable[Done], total: int) -> None:
        self.failed = list(failed)
        """Every part that failed: its worker, its row, its failure."""
        self.total = total
        super().__init__("\n\n".join(self._told()))

    def _told(self) -> list[str]:
        alike: dict[str, list[Done]] = {}
        for done in self.failed:
            assert done.failure is not None
            alike.setdefault(done.failure.traceback or str(done.failure), []).append(done)
        told = [f"{text}\n({_where(where)})" for text, where in alike.items()]
        return [*told, f"{len(self.failed)} of {self.total} failed."]

    def _render_traceback_(self) -> list[str]:
        """IPython shows this in the place of a traceback through our own code."""
        return str(self).splitlines()


class CallError(RuntimeError):
    """A function that was called on a worker failed; its own exception is the cause."""

    def __init__(self, worker: str, given: str, failure: Failure) -> None:
        super().__init__(f"{failure} (on {worker or 'no worker'}, given {given})")
        self.worker = worker
        self.given = given
        """What it was called with, as text."""
        self.failure = failure

    def __reduce__(self) -> tuple[type[CallError], tuple[str, str, Failure]]:
        return type(self), (self.worker, self.given, self.failure)


def _where(failed: list[Done]) -> str:
    names = [
        f"{done.worker or 'no worker'}" + ("" if done.row is None else f", row {done.index}")
        for done in failed
    ]
    more = len(names) - MOST_NAMED
    return "; ".join(names[:MOST_NAMED]) + (f"; and {more} more" if more > 0 else "")
