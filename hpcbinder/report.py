"""What the start command says, and how it ends when it cannot go on.

The user is shown the job's log when something fails, so every line is a sentence for her:
`2026-01-31T12:00:00Z hpcbinder: content: Cloning …`.
"""

from __future__ import annotations

import errno
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum
from pathlib import Path

LONGEST_LINE = 1000


class Exit(IntEnum):
    """The exit codes that the hub's side may rely on; README.md lists them."""

    UNEXPECTED = 1
    UNFIT = 2
    ALREADY_CLAIMED = 3
    REFUSED = 4
    CONTENT = 5
    STORAGE_FULL = 6
    NO_HUB = 7
    SERVER = 8
    LOST_CONTACT = 9
    WORKERS = 10


class Stop(Exception):
    """The launch cannot go on; the sentence says what is wrong and what to do."""

    def __init__(self, code: Exit, phase: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code
        self.phase = phase


_secrets: set[str] = set()


def hide(secret: str) -> None:
    """Never print `secret`, whoever repeats it to us."""
    if secret:
        _secrets.add(secret)


def one_line(words: str) -> str:
    """What others (the hub, git) say, unable to draw lines or colours of its own."""
    return "".join(c if c.isprintable() else " " for c in words).strip()[:LONGEST_LINE]


def hidden(words: str) -> str:
    """The same words without the secrets."""
    for secret in _secrets:
        words = words.replace(secret, "[hidden]")
    return words


def say(phase: str, sentence: str) -> None:
    """Write one line to the job's log."""
    line = one_line(hidden(sentence))
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    print(f"{stamp} hpcbinder: {phase}: {line}", file=sys.stderr, flush=True)


def storage_full(phase: str, place: Path) -> Stop:
    """The end of a launch for which there is no room."""
    return Stop(
        Exit.STORAGE_FULL,
        phase,
        f"Your storage at {place} is full. Free some space or ask for a larger quota, "
        "then launch again.",
    )


@contextmanager
def storage(phase: str, place: Path) -> Iterator[None]:
    """Explain what the file system says about what is written below `place`."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise storage_full(phase, place) from None
        raise Stop(
            Exit.CONTENT,
            phase,
            f"{error.filename or place} cannot be used ({error.strerror or error}). "
            "See to it, then launch again.",
        ) from None
