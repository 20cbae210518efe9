"""What is where in a commit, asked of its listing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from ...repos.listing import LINK, SUBMODULE, Entry


@dataclass(frozen=True)
class Tree:
    """All entries of a commit, by their paths."""

    entries: Mapping[str, Entry]

    def has(self, path: str) -> bool:
        """Whether anything is there, as `os.path.exists` would say of a checkout or might."""
        return path in self.entries or path in self.folders

    def is_file(self, path: str) -> bool:
        """Whether a file is there, and no link on the way to it."""
        entry = self.entries.get(path)
        return entry is not None and entry.mode not in (LINK, SUBMODULE)

    def is_odd(self, path: str) -> bool:
        """Whether what is there may turn out to be anything: a link or a submodule."""
        return path in self.entries and not self.is_file(path)

    @cached_property
    def folders(self) -> frozenset[str]:
        """Every folder that holds something."""
        found: set[str] = set()
        for path in self.entries:
            while (path := path.rpartition("/")[0]) and path not in found:
                found.add(path)
        return frozenset(found)
