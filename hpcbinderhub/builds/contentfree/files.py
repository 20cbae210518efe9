"""The environment files of a commit, as far as they have been read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .tree import Tree

MAX_BYTES = 1 << 20
"""What a person writes as a list of packages is shorter."""


class NotContentFree(Exception):
    """Why an environment is made from the whole tree."""


class NotRead(Exception):
    """A file has to be read before more can be said."""

    def __init__(self, path: str):
        super().__init__(path)
        self.path = path


@dataclass(frozen=True)
class Reading:
    """What one file was found to be: fine, and asking for some more to be read."""

    includes: tuple[str, ...] = ()
    part_of_key: bool = True
    """Whether it is an ingredient, or was only looked at."""


@dataclass(frozen=True)
class Files:
    """The tree, and the bytes of what was asked for; None for a file that is too large."""

    tree: Tree
    known: Mapping[str, bytes | None]

    def bytes(self, path: str) -> bytes:
        """A file's bytes, if it is a file; NotRead until somebody has read it."""
        if not self.tree.is_file(path):
            raise NotContentFree(f"{path} is no ordinary file")
        if path not in self.known:
            raise NotRead(path)
        content = self.known[path]
        if content is None:
            raise NotContentFree(f"{path} is too large for a list of packages")
        return content

    def text(self, path: str) -> str:
        """The same as text, if every program would see the same lines in it."""
        try:
            text = self.bytes(path).decode("utf-8").replace("\r\n", "\n")
        except UnicodeDecodeError as error:
            raise NotContentFree(f"{path} is not UTF-8") from error
        if not all(character.isprintable() or character in "\t\n" for character in text):
            raise NotContentFree(f"{path} holds a character that programs take differently")
        return text
