"""One name in a layer, and the rules about names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ...errors import UserError

Kind = Literal["folder", "file", "symlink", "link", "other"]

LONGEST_PATH = 4096
DEEPEST = 256
ROOT = b""


@dataclass(frozen=True, slots=True)
class Entry:
    """A folder, a file, a symbolic link, a further name of a file (`link`), or what is not kept."""

    path: bytes
    """Relative to the root, which is the empty path; without `.` and `..`."""
    kind: Kind
    mode: int = 0o755
    mtime: int = 0
    size: int = 0
    target: bytes = b""
    """Of a symbolic link what it says; of a further name the file's path."""


class BadLayer(UserError):
    """A layer that no builder makes."""

    def __init__(self, what: str):
        super().__init__(
            f"The image cannot be converted: {what}.",
            "Have its maker build it with one of the usual tools, or build it here.",
        )


def shown(path: bytes) -> str:
    """A path of a stranger's, in a sentence."""
    return repr(path[:200].decode("utf-8", "backslashreplace"))


def cleaned(name: bytes) -> bytes:
    """A name in a layer as a path within the image."""
    parts = [part for part in name.split(b"/") if part not in (b"", b".")]
    if b".." in parts or b"\0" in name:
        raise BadLayer(f"a layer names {shown(name)}, which leads out of it")
    if len(name) > LONGEST_PATH or len(parts) > DEEPEST or any(len(part) > 255 for part in parts):
        raise BadLayer(f"a layer names {shown(name)}, which is too long")
    return b"/".join(parts)


def parent(path: bytes) -> bytes:
    """The folder that a path is in; the root is in itself."""
    return path.rpartition(b"/")[0]


def above(path: bytes) -> list[bytes]:
    """All folders that a path is in, but for the root; the nearest first."""
    found = []
    while path := parent(path):
        found.append(path)
    return found
