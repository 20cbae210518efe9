"""The content of a launch: the exact commit, ready to be cloned on a node without internet."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path

from ..repos.git import GitCache
from ..repos.spec import RepoSpec


class ContentStore:
    """Bundles for workspaces and archives for builders, each made once; and single files."""

    def __init__(self, git: GitCache, directory: Path):
        self._git = git
        self._directory = directory
        self._locks: dict[Path, asyncio.Lock] = {}

    async def bundle(self, repo_url: str, ref: str, commit: str) -> Path:
        """A Git bundle with the commit and its history."""
        path = self._path("bundle", repo_url, ref, commit)
        async with self._locks.setdefault(path, asyncio.Lock()):
            if not path.exists():
                await self._git.fetch(RepoSpec("git", repo_url, ref), commit)
                await self._git.bundle(repo_url, ref, commit, path)
        return path

    async def archive(self, repo_url: str, ref: str, commit: str) -> Path:
        """A tar file with the files of the commit."""
        path = self._path("tar", repo_url, "", commit)
        async with self._locks.setdefault(path, asyncio.Lock()):
            if not path.exists():
                await self._git.fetch(RepoSpec("git", repo_url, ref), commit)
                temporary = path.with_suffix(".new")
                await self._git.archive(repo_url, commit, temporary)
                temporary.rename(path)
        return path

    async def text(self, repo_url: str, ref: str, commit: str, path: str, limit: int) -> str:
        """One file of the commit, if it has no more than so many bytes."""
        await self._git.fetch(RepoSpec("git", repo_url, ref), commit)
        return await self._git.show(repo_url, commit, path, limit)

    def _path(self, kind: str, *parts: str) -> Path:
        name = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:40]
        return self._directory / f"{name}.{kind}"
