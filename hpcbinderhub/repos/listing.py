"""What a commit holds, as Git lists it: names and kinds, no content."""

from __future__ import annotations

from dataclasses import dataclass

LINK = "120000"
SUBMODULE = "160000"


@dataclass(frozen=True)
class Entry:
    """One file, symbolic link or submodule."""

    mode: str
    id: str
    """Git's name for its content; of a submodule, its commit."""


def parse(listing: str) -> dict[str, Entry]:
    """Entries by path, from `git ls-tree -r -z`."""
    found = {}
    for line in listing.split("\0"):
        head, tab, path = line.partition("\t")
        if tab:
            mode, _, name = head.split(" ", 2)
            found[path] = Entry(mode, name)
    return found
