"""The folders that may be read: every path ends here, after all of its links."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from urllib.parse import unquote

from .errors import Refusal

# Regular files by their kind, but reading them does things or tells of processes.
KERNEL = ("/proc", "/sys")
LONGEST = 4096
"""Of a path: Linux takes no longer ones."""


class Roots:
    """Names and folders; the first is the server's own, from which relative paths start."""

    def __init__(self, roots: Sequence[tuple[str, str]]) -> None:
        if not roots:
            raise ValueError("no folder may be read: at least one root is needed")
        self.roots = tuple((name, os.path.abspath(path)) for name, path in roots)

    def resolve(self, asked: str) -> str:
        """The file's real path, or a `Refusal` that names the roots."""
        _spell_check(asked)
        real = os.path.realpath(os.path.join(self.roots[0][1], asked))
        # Before anything is said of the file: whether it exists is not for those outside to know.
        if not self.holds(real):
            raise Refusal(
                403,
                f"{_shown(asked)} lies outside of the folders that may be read.",
                f"What may be read: {self.names()}.",
                "outside",
            )
        require_a_file(asked, real)
        return real

    def holds(self, real: str) -> bool:
        """Whether a path without links lies below a root."""
        if any(_below(real, folder) for folder in KERNEL):
            return False
        # Each time anew: a root may be a link, and its folder be mounted later than the server.
        return any(_below(real, os.path.realpath(path)) for _, path in self.roots)

    def names(self) -> str:
        """The roots as a sentence's part."""
        return ", ".join(f"{name} ({path})" for name, path in self.roots)


def _spell_check(asked: str) -> None:
    """Refuse what no honest request holds, however often it is percent-encoded."""
    if len(asked) > LONGEST:
        raise Refusal(400, f"A file's path has {LONGEST} characters at most.", "", "path")
    plain, once = asked, unquote(asked)
    while once != plain:
        plain, once = once, unquote(once)
    if not asked or "\0" in plain:
        raise Refusal(400, "A file's path is needed, without NUL characters.", "", "path")
    if ".." in plain.split("/"):
        raise Refusal(
            403,
            f"{_shown(asked)} has “..” in it.",
            "Write the path from its root down.",
            "outside",
        )


def require_a_file(asked: str, real: str) -> None:
    """`Refusal` if nothing is there, or nothing that can be read from beginning to end."""
    try:
        mode = os.stat(real).st_mode
    except PermissionError:
        raise Refusal(
            403,
            f"You may not look into the folder of {_shown(asked)}.",
            "Ask its owner to let you read it.",
            "permission",
        ) from None
    except (OSError, ValueError):
        raise Refusal(404, f"There is no file {_shown(asked)}.", "", "missing") from None
    if stat.S_ISDIR(mode):
        raise Refusal(400, f"{_shown(asked)} is a folder.", "Name a file in it.", "folder")
    if not stat.S_ISREG(mode):
        raise Refusal(
            403, f"{_shown(asked)} is a device, a pipe or a socket, and no file.", "", "special"
        )


def _below(path: str, folder: str) -> bool:
    return folder == "/" or path == folder or path.startswith(folder + "/")


def _shown(asked: str) -> str:
    """Any path as something that can be shown: short, and without odd bytes."""
    text = asked.encode("utf-8", "replace").decode("utf-8")
    text = "".join(letter if letter.isprintable() else "�" for letter in text)
    return text if len(text) <= 300 else f"{text[:150]}…{text[-100:]}"
