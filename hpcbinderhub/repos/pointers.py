"""Which files of a commit are in Git LFS."""

from __future__ import annotations

from dataclasses import dataclass

from .git import GitCache
from .lfs import POINTER, POINTER_BYTES, Pointer, pointer
from .submodules import Submodule

_EXECUTABLE = "100755"


@dataclass(frozen=True)
class Pointed:
    """A file of a commit that is a pointer."""

    to: Pointer
    mode: int


class Pointers:
    """Finds them in the cache."""

    def __init__(self, git: GitCache):
        self._git = git

    async def of(self, part: Submodule) -> dict[str, Pointed]:
        """The pointers among a commit's files, by path in the whole."""
        attributes = (":(glob)**/.gitattributes",)
        where = (part.url, part.commit)
        if not await self._git.files_with(*where, "filter=lfs", attributes, part.reader):
            return {}
        names = await self._git.files_with(*where, POINTER, ("*",), part.reader)
        listing = await self._git.listing(*where, part.reader)
        entries = {name: listing[name] for name in names if name in listing}
        ids = [entry.id for entry in entries.values()]
        contents = await self._git.contents(part.url, ids, POINTER_BYTES, part.reader)
        found = {}
        for name, entry in entries.items():
            to = pointer(contents[entry.id])
            if to is not None:
                mode = 0o755 if entry.mode == _EXECUTABLE else 0o644
                found[f"{part.path}/{name}".lstrip("/")] = Pointed(to, mode)
        return found
