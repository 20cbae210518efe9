"""How a notebook ended that nobody was at: a small file for programs, and a sentence for people."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import NamedTuple

from .order import Order

DONE, FAILED, NONE_BEGUN = 0, 1, 2
"""Exit codes: every cell ran, one failed, none was begun. After signal n, it is 128 + n."""


class Record(NamedTuple):
    """How it ended."""

    notebook: str
    output: str
    exit_code: int
    words: str
    begun: float
    ended: float

    def write(self, path: Path) -> None:
        """Whole, or as it was before."""
        begun = path.with_name(f".{path.name}.begun")
        begun.write_text(json.dumps(self._asdict(), indent=1) + "\n", encoding="utf-8")
        os.replace(begun, path)


def ended(order: Order, code: int) -> tuple[int, str]:
    """The exit code and the sentence of a process: its own, or what can be said of one that was
    killed before it wrote any."""
    try:
        found = json.loads(order.record.read_text(encoding="utf-8"))
        return int(found["exit_code"]), str(found["words"])
    except (OSError, ValueError, KeyError, TypeError):
        how = f"by {signal.Signals(-code).name}" if code < 0 else f"with exit code {code}"
        words = f"{order.notebook.name} was ended {how}. Its log is {order.log.name}."
        return 128 - code if code < 0 else code or FAILED, words
