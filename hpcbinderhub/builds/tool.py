"""Running a builder's program: its lines as they come, and an error that holds the last of them."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence

MAX_LINE = 1 << 16
"""A program that never ends its line must not fill the memory of who reads it."""


class BuilderError(Exception):
    """A builder's command failed; its last lines say why."""

    def __init__(self, program: str, command: str, code: int, tail: Sequence[str]):
        super().__init__(f"{program} {command} ended with {code}: " + "\n".join(tail[-3:]))
        self.code = code
        self.tail = tuple(tail)


def stream(
    line: Sequence[str],
    environment: Mapping[str, str],
    *,
    program: str,
    command: str,
    prefix: Sequence[str] = (),
) -> Iterator[str]:
    """Run a program and yield its lines, those of both streams in the order they came."""
    process = subprocess.Popen(
        [*prefix, *line],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    assert process.stdout is not None
    tail: list[str] = []
    with process, process.stdout as words:
        while said := words.readline(MAX_LINE):
            said = said.rstrip("\n")
            if re.fullmatch(r"subprocess exited with status \d+", said):
                continue  # Buildah says it twice for every failure, and then in other words.
            tail = [*tail[-19:], said]
            yield said
    if process.returncode != 0:
        raise BuilderError(program, command, process.returncode, tail)


def output(
    line: Sequence[str], environment: Mapping[str, str], *, program: str, command: str
) -> str:
    """Run a program and return what it printed."""
    done = subprocess.run(
        line,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
    )
    if done.returncode != 0:
        raise BuilderError(program, command, done.returncode, done.stderr.splitlines())
    return done.stdout.strip()
