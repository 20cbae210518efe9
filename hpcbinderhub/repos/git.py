"""Repositories over Git: resolve a ref, fetch a commit, hand its content out."""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from ..errors import NotFound, UserError
from .command import BareRepository, Git
from .guard import Guard
from .spec import RepoSpec, is_full_commit

_SHORT_COMMIT = re.compile(r"^[0-9a-f]{7,39}$")
_GITLINK = re.compile(r"^160000 ")
_EVERYTHING = ("+refs/heads/*:refs/remote/heads/*", "+refs/tags/*:refs/remote/tags/*")


class GitCache:
    """Bare repositories below one directory, one for every address."""

    def __init__(self, directory: Path, timeout: float, guard: Guard):
        self._directory = directory
        self._git = Git(directory, timeout)
        self._guard = guard
        self._locks: dict[str, asyncio.Lock] = {}

    async def resolve(self, spec: RepoSpec) -> str:
        """The full commit that the ref stands for now."""
        if is_full_commit(spec.ref):
            return spec.ref
        found = await self._listed(spec.repo_url, "HEAD", *_ref_names(spec.ref))
        wanted = ["HEAD"] if spec.ref == "HEAD" else _ref_names(spec.ref)
        if spec.ref in ("main", "master"):
            wanted.append("HEAD")
        for name in wanted:
            if name in found:
                return found[name]
        commit = await self._lengthen(spec) if _SHORT_COMMIT.match(spec.ref) else None
        if commit:
            return commit
        raise NotFound(
            f"{spec.repo_url} has no branch, tag or commit “{spec.ref}”.",
            "Check the spelling, or leave the ref empty for the default branch.",
        )

    async def refs_below(self, repo_url: str, name: str) -> set[str]:
        """The branches and tags of this name, or whose names go on with a slash after it."""
        kinds = ("refs/heads/", "refs/tags/")
        patterns = [f"{kind}{name}{end}" for kind in kinds for end in ("", "/*")]
        found = await self._listed(repo_url, *patterns)
        return {ref.split("/", 2)[2].removesuffix("^{}") for ref in found}

    async def fetch(self, spec: RepoSpec, commit: str) -> None:
        """Have the commit, with its history, in the cache."""
        async with self.opened(spec.repo_url) as repository:
            if await repository.has(commit):
                return
            await self._fetch_refs(repository, spec.repo_url, commit)
            if not await repository.has(commit):
                raise NotFound(
                    f"{spec.repo_url} has no commit {commit[:12]}.",
                    "It may have been removed by a forced push; launch the branch instead.",
                )
            await repository.keep(commit)

    @asynccontextmanager
    async def opened(self, repo_url: str) -> AsyncIterator[BareRepository]:
        """The repository of an address, for nobody else meanwhile; made if it is not there."""
        repository = self._repository(repo_url)
        async with self._locks.setdefault(repo_url, asyncio.Lock()):
            if not (repository.path / "HEAD").exists():
                await self._git("init", "--quiet", "--bare", "--", str(repository.path))
            yield repository

    async def tree(self, repo_url: str, commit: str) -> str:
        """The id of the commit's tree."""
        repository = self._repository(repo_url)
        return (await repository("rev-parse", "--verify", f"{commit}^{{tree}}")).strip()

    async def left_out(self, repo_url: str, commit: str) -> list[str]:
        """Sentences about what a full clone would bring and ours does not, so that nobody wonders
        why a folder is empty."""
        repository = self._repository(repo_url)
        sentences = []
        entries = await repository("ls-tree", "-r", "-z", commit)
        folders = [
            entry.split("\t", 1)[1] for entry in entries.split("\0") if _GITLINK.match(entry)
        ]
        if folders:
            named = ", ".join(folders[:3]) + (" and more" if len(folders) > 3 else "")
            sentences.append(f"Submodules are not fetched: {named} will be empty.")
        pattern = ("-e", "filter=lfs", commit, "--", ":(glob)**/.gitattributes")
        try:
            await repository("grep", "--quiet", *pattern)
        except UserError:
            return sentences
        return [*sentences, "Files in Git LFS are not fetched: you get the pointers to them."]

    async def archive(self, repo_url: str, commit: str, target: Path) -> None:
        """The files of the commit, as a tar file."""
        repository = self._repository(repo_url)
        await repository("archive", "--format=tar", f"--output={target}", commit)

    async def bundle(self, repo_url: str, ref: str, commit: str, target: Path) -> None:
        """The commit with its history, as a bundle with one branch.

        The branch is made in a scratch repository that borrows the cache's objects: in the cache,
        two refs of two users' launches could never clash, but would pile up.
        """
        branch = "hpcbinder" if ref == "HEAD" or is_full_commit(ref) else ref
        async with self._git.scratch() as scratch:
            await self._git("init", "--quiet", "--bare", "--", str(scratch))
            objects = self._repository(repo_url).path / "objects"
            (scratch / "objects/info/alternates").write_text(f"{objects}\n")
            name = f"refs/heads/{branch}"
            await self._git("update-ref", name, commit, cwd=scratch)
            temporary = scratch / "content.bundle"
            await self._git("bundle", "create", "--quiet", str(temporary), name, cwd=scratch)
            os.replace(temporary, target)

    def _repository(self, repo_url: str) -> BareRepository:
        name = hashlib.sha256(repo_url.encode()).hexdigest()[:32]
        return BareRepository(self._directory / f"{name}.git", self._git)

    async def _listed(self, repo_url: str, *patterns: str) -> dict[str, str]:
        """The server's refs that match, and their commits."""
        way = await self._guard.way_to(repo_url)
        listing = await self._git(
            *("ls-remote", "--quiet", "--", way.url, *patterns),
            url=repo_url,
            settings=_pinned(way.pin),
        )
        lines = (line.partition("\t") for line in listing.splitlines())
        return {name: commit for commit, _, name in lines}

    async def _lengthen(self, spec: RepoSpec) -> str | None:
        """The commit whose name begins so. Servers do not tell, so everything is fetched."""
        async with self.opened(spec.repo_url) as repository:
            await self._fetch(repository, spec.repo_url, *_EVERYTHING)
            return await repository.commit_of(spec.ref)

    async def _fetch_refs(self, repository: BareRepository, repo_url: str, commit: str) -> None:
        """The commit alone if the server gives it by name, else all branches and tags."""
        try:
            await self._fetch(repository, repo_url, f"+{commit}:refs/hpcbinder/{commit}")
        except UserError:
            await self._fetch(repository, repo_url, *_EVERYTHING)

    async def _fetch(self, repository: BareRepository, repo_url: str, *refs: str) -> None:
        way = await self._guard.way_to(repo_url)
        await repository(
            *("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--", way.url, *refs),
            url=repo_url,
            settings=_pinned(way.pin),
        )


def _pinned(pin: str) -> tuple[str, ...]:
    return (f"http.curloptResolve={pin}",) if pin else ()


def _ref_names(ref: str) -> list[str]:
    """Where a ref may be found, best first; a tag object's own commit before the object."""
    return [f"refs/heads/{ref}", f"refs/tags/{ref}^{{}}", f"refs/tags/{ref}"]
