"""Fills a workspace: the files of the commit, its submodules', and what is in Git LFS.

First everything is fetched, then files are touched, the commit's own before its submodules'. What
cannot be put where it belongs is left out, and said.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from . import lfs, submodules
from .git import Git, GitFailed
from .parts import Object, Parts, Repository, Source
from .report import say

NO_LFS = "Files in Git LFS came as pointers: the image has no git-lfs."


class Filling:
    """What one launch puts into one clone."""

    def __init__(self, source: Source, git: Git) -> None:
        self._source = source
        self._git = git
        self._directories = {"": Path(git("rev-parse", "--absolute-git-dir").strip())}
        self.notices: list[str] = []

    def fill(self, check_out: Callable[[], None], since: str = "") -> None:
        """Have all there is; `check_out` does its part for the commit itself, which comes after
        another one unless there was none."""
        parts = self._without_lfs(self._source.parts())
        self.notices += parts.notices
        for number, one in enumerate(parts.repositories):
            if one.path:
                self._try(one, partial(self._fetch, one, number))
        self._fetch_objects(parts)
        in_lfs = any(one.in_lfs for one in parts.repositories if not one.path)
        if in_lfs:
            lfs.install(self._git)
        check_out()
        if in_lfs:
            lfs.expand(self._git, since)
        for one in parts.repositories:
            if one.path in self._directories and one.path:
                self._try(one, partial(self._settle, one))
        for sentence in self.notices:
            say("content", sentence)

    def _without_lfs(self, parts: Parts) -> Parts:
        """The parts as they are, or as an image without Git LFS can have them."""
        if not any(one.in_lfs for one in parts.repositories) or lfs.is_there(self._git):
            return parts
        plain = [one._replace(in_lfs=False, objects=[]) for one in parts.repositories]
        return Parts(plain, [*parts.notices, NO_LFS])

    def _try(self, one: Repository, step: Callable[[], None]) -> None:
        try:
            step()
        except (submodules.Refused, GitFailed) as trouble:
            self._directories.pop(one.path, None)
            why = trouble.words if isinstance(trouble, GitFailed) else trouble
            self.notices.append(f"The submodule {one.path} was left as it was: {why}.")

    def _fetch(self, one: Repository, number: int) -> None:
        parent = self._directories.get(one.within)
        if parent is None:
            raise submodules.Refused(f"{one.within} was")
        directory = submodules.git_directory(one, parent)
        fetch = partial(self._source.submodule, number)
        submodules.have(one, directory, self._git, fetch)
        self._directories[one.path] = directory

    def _fetch_objects(self, parts: Parts) -> None:
        numbers: list[int] = []
        wanted: list[tuple[Path, Object]] = []
        every = [(one.path, some) for one in parts.repositories for some in one.objects]
        for number, (path, some) in enumerate(every):
            if path in self._directories:
                target = lfs.place(self._directories[path], some)
                if not target.exists():
                    numbers.append(number)
                    wanted.append((target, some))
        if wanted:
            size = sum(some.size for _, some in wanted)
            say("content", f"Downloading {size / 1e6:.1f} MB of Git LFS from the hub.")
            shelves = lfs.Shelves(wanted)
            try:
                self._source.objects(numbers, shelves)
            finally:
                shelves.close()

    def _settle(self, one: Repository) -> None:
        if one.within not in self._directories:
            raise submodules.Refused(f"{one.within} was")
        tree = submodules.work_tree(one, self._git.directory)
        parent = self._git.at(self._git.directory / one.within)
        submodules.settle(one, self._directories[one.path], tree, parent)
