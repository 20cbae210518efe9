"""What goes to the workers, and what comes back."""

from __future__ import annotations

from typing import Any, NamedTuple


class Cell(NamedTuple):
    """A cell of a notebook, as its author sees it."""

    id: str
    """Of this run of it: under this name what it prints is sent back, and it is cancelled."""
    label: str
    """What tracebacks call it: `Cell In[3]`."""
    filename: str
    source: str
    """With an empty line in the magic's place, so that lines have the numbers that they have."""


class Part(NamedTuple):
    """What one worker is to run of it."""

    index: int
    row: dict[str, Any] | None = None
    """Of `--each`: variables by name."""


class Failure(NamedTuple):
    """An exception that went through the cell, as text: its class may be known there alone."""

    kind: str
    words: str
    traceback: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.words}" if self.words else self.kind


CANCELLED = Failure("Cancelled", "it was cancelled", "")


class Outcome(NamedTuple):
    """What a worker answers."""

    worker: str
    value: Any = None
    failure: Failure | None = None
    seconds: float = 0.0


class Done(NamedTuple):
    """What became of one part."""

    index: int
    worker: str
    row: dict[str, Any] | None
    value: Any
    failure: Failure | None
    seconds: float
