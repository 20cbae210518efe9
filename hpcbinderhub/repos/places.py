"""Where repositories are that no server hands out, so that nothing can be asked over HTTP."""

from __future__ import annotations

from typing import Protocol

from .spec import RepoSpec


class Place(Protocol):
    """Some repositories, told by their addresses; it knows by itself who may read which."""

    def has(self, url: str) -> bool:
        """Whether an address is of a repository here."""
        ...

    async def open(self, spec: RepoSpec, user: str) -> tuple[str, str | None]:
        """The commit that the ref stands for, and who alone may read it; None for everybody."""
        ...

    async def fetch(self, spec: RepoSpec, commit: str, reader: str | None) -> None:
        """Have the commit, with its history, in the cache."""
        ...
