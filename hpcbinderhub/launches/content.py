"""The content of a launch: the exact commit, ready to be cloned on a node without internet."""

from __future__ import annotations

import asyncio
import hashlib
import io
import os
import secrets
import tarfile
import time
from collections.abc import Mapping
from pathlib import Path

from ..repos.repositories import Repositories
from ..repos.spec import RepoSpec
from ..repos.whole import WholeTrees

KEPT_SECONDS = 24 * 3600.0
"""How long a file is kept that nobody asks for: it can be made again from the cache, unless what it
was made of has been removed."""


class ContentStore:
    """Bundles for workspaces and archives for builders, made when they are needed, and single
    files; for each reader, where not everybody may read the repository."""

    def __init__(self, repositories: Repositories, whole: WholeTrees, directory: Path):
        self._repositories = repositories
        self._git = repositories.git
        self._whole = whole
        self._directory = directory
        self._locks: dict[Path, asyncio.Lock] = {}

    async def bundle(self, repo_url: str, ref: str, commit: str, reader: str | None) -> Path:
        """A Git bundle with the commit and its history."""
        path = self._path("bundle", reader, repo_url, ref, commit)
        async with self._locks.setdefault(path, asyncio.Lock()):
            if not path.exists():
                await self._repositories.fetch(RepoSpec("git", repo_url, ref), commit, reader)
                await self._git.bundle(repo_url, ref, commit, path, reader)
            os.utime(path)
        return path

    async def archive(
        self, repo_url: str, ref: str, commit: str, reader: str | None
    ) -> tuple[Path, list[str]]:
        """A tar file with all that belongs to the commit, and sentences about what it lacks."""
        path = self._path("tar", reader, repo_url, "", commit)
        lacking = path.with_suffix(".lacking")
        async with self._locks.setdefault(path, asyncio.Lock()):
            if not (path.exists() and lacking.exists()):
                await self._repositories.fetch(RepoSpec("git", repo_url, ref), commit, reader)
                temporary = path.with_suffix(".new")
                sentences = await self._whole.write(repo_url, commit, reader, temporary)
                lacking.write_text("".join(f"{sentence}\n" for sentence in sentences))
                temporary.rename(path)
            os.utime(path)
            os.utime(lacking)
        return path, lacking.read_text().splitlines()

    async def packed(self, files: Mapping[str, bytes]) -> Path:
        """A tar file with these files: the same bytes for the same files."""
        made = await asyncio.to_thread(_packed, files)
        path = self._directory / f"{hashlib.sha256(made).hexdigest()[:40]}.tar"
        temporary = path.with_suffix(f".{secrets.token_hex(4)}.new")
        await asyncio.to_thread(temporary.write_bytes, made)
        temporary.rename(path)
        return path

    async def text(
        self, repo_url: str, ref: str, commit: str, reader: str | None, path: str, limit: int
    ) -> str:
        """One file of the commit, if it has no more than so many bytes."""
        await self._repositories.fetch(RepoSpec("git", repo_url, ref), commit, reader)
        return await self._git.show(repo_url, commit, path, limit, reader)

    async def tidy(self) -> None:
        """Remove what nobody has asked for lately."""
        await asyncio.to_thread(_remove_older, self._directory, time.time() - KEPT_SECONDS)

    def _path(self, kind: str, reader: str | None, *parts: str) -> Path:
        owned = parts if reader is None else (*parts, reader)
        name = hashlib.sha256("\n".join(owned).encode()).hexdigest()[:40]
        return self._directory / f"{name}.{kind}"


def _packed(files: Mapping[str, bytes]) -> bytes:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for name, content in sorted(files.items()):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return archive.getvalue()


def _remove_older(directory: Path, moment: float) -> None:
    for path in directory.iterdir():
        if path.stat().st_mtime < moment:
            path.unlink()
