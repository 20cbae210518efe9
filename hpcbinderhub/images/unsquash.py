"""An artefact's tree, read as a stream: nothing is unpacked, so no owner, mode or name of it has to
be possible on the machine that reads.

`unsquashfs` (4.5 or newer) writes a SquashFS file as a list of its entries followed by all data:
https://github.com/plougher/squashfs-tools/blob/master/Documentation/4.6/pseudo-file.txt
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

from ..errors import UserError

_ENTRY = re.compile(rb"((?:\\.|[^\\ ])+) ([A-Z]) (.*)\n", re.DOTALL)
_DATA = b"# START OF DATA"


@dataclass(frozen=True)
class Entry:
    """A directory (`D`), file (`R`), symbolic link (`S`) or further name of a file (`L`)."""

    path: str
    """Relative to the root, which is not among the entries."""
    kind: str
    target: str = ""
    mode: int = 0
    mtime: int = 0
    size: int = 0
    offset: int = 0


@contextmanager
def opened(artefact: Path) -> Iterator[tuple[list[Entry], IO[bytes]]]:
    """The entries, and the data of the files in the order of their offsets."""
    command = ["unsquashfs", "-pf", "/dev/stdout", "-no-progress", "-quiet", "-no-xattrs"]
    with tempfile.TemporaryFile("w+") as words:
        try:
            process = subprocess.Popen(
                [*command, str(artefact)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=words,
            )
        except FileNotFoundError:
            raise UserError(
                "There is no `unsquashfs` on this machine.", "Install squashfs-tools, 4.5 or newer."
            ) from None
        assert process.stdout is not None
        with process, process.stdout:
            try:
                yield _entries(process.stdout), process.stdout
            except (EOFError, ValueError) as error:
                process.kill()
                words.seek(0)
                raise UserError(
                    "The image's file could not be read.",
                    "Fetch it again; `unsquashfs` must be 4.5 or newer.",
                    detail=words.read().strip()[-600:] or str(error),
                ) from error


def _entries(stream: IO[bytes]) -> list[Entry]:
    found = []
    while not (line := stream.readline()).startswith(_DATA):
        if not line:
            raise EOFError("the list of entries has no end")
        match = None if line.startswith(b"#") else _ENTRY.fullmatch(line)
        if match and match[1] != b"/":
            found.append(_entry(_plain(match[1]), match[2].decode(), match[3]))
        elif not match and not line.startswith(b"#"):
            raise ValueError(f"an entry that cannot be read: {line!r}")
    stream.readline()
    return [entry for entry in found if entry is not None]


def _entry(path: str, kind: str, rest: bytes) -> Entry | None:
    """Devices, sockets and pipes are nothing that an image needs."""
    if kind == "L":
        return Entry(path, kind, target=_plain(rest).lstrip("/"))
    if kind not in "DRS":
        return None
    mtime, mode, _user, _group, *more = rest.split(b" ", 4)
    entry = Entry(path, kind, mode=int(mode, 8), mtime=int(mtime))
    if kind == "S":
        return replace(entry, target=os.fsdecode(more[0]))
    if kind == "R":
        size, offset, *_sparse = more[0].split()
        return replace(entry, size=int(size), offset=int(offset))
    return entry


def _plain(name: bytes) -> str:
    return os.fsdecode(re.sub(rb"\\(.)", rb"\1", name, flags=re.DOTALL))
