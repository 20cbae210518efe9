"""Git, run for the service: resolve a ref, fetch a commit, hand its content out.

Whoever reads is either nobody in particular, who sees what is public, or one reader with her own
credential. What a reader fetched is kept apart, and nobody else is ever given it.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from ..credentials.hosts import host_of
from ..credentials.store import Credential
from ..errors import NotFound, UserError
from .command import Git
from .guard import Guard, Way
from .handover import handed_over
from .spec import RepoSpec

_FULL_SHA = re.compile(r"^[0-9a-f]{40}$")
_GITLINK = re.compile(r"^160000 ")

Secrets = Callable[[str, str], Awaitable[Credential | None]]
"""The credential of a user for an address."""


async def no_secrets(_user: str, _url: str) -> None:
    """Nobody has a credential."""


class GitCache:
    """Bare repositories below one directory: one for every address, and for every reader of one."""

    def __init__(
        self, directory: Path, timeout: float, guard: Guard, secrets: Secrets = no_secrets
    ):
        self._directory = directory
        self._git = Git(directory, timeout)
        self._guard = guard
        self._secrets = secrets
        self._locks: dict[Path, asyncio.Lock] = {}

    async def resolve(self, spec: RepoSpec, reader: str | None = None) -> str:
        """The full commit that the ref stands for now. The server is always asked: whether it still
        lets the reader in is what it is asked for a commit."""
        names = [] if _FULL_SHA.match(spec.ref) else _ref_names(spec.ref)
        listing = await self._ask(
            spec.repo_url, reader, "ls-remote", "--quiet", what=["HEAD", *names]
        )
        if not names:
            return spec.ref
        found: dict[str, str] = {}
        for line in listing.splitlines():
            commit, _, name = line.partition("\t")
            found[name] = commit
        wanted = ["HEAD"] if spec.ref == "HEAD" else names
        if spec.ref in ("main", "master"):
            wanted.append("HEAD")
        for name in wanted:
            if name in found:
                return found[name]
        raise NotFound(
            f"{spec.repo_url} has no branch, tag or commit “{spec.ref}”.",
            "Check the spelling, or leave the ref empty for the default branch.",
        )

    async def fetch(self, spec: RepoSpec, commit: str, reader: str | None = None) -> None:
        """Have the commit, with its history, in the cache."""
        path = self._path(spec.repo_url, reader)
        async with self._locks.setdefault(path, asyncio.Lock()):
            if not (path / "HEAD").exists():
                await self._git("init", "--quiet", "--bare", "--", str(path))
            if await self._has(path, commit):
                return
            await self._fetch_refs(path, spec.repo_url, commit, reader)
            if not await self._has(path, commit):
                raise NotFound(
                    f"{spec.repo_url} has no commit {commit[:12]}.",
                    "It may have been removed by a forced push; launch the branch instead.",
                )
            await self._git("update-ref", f"refs/hpcbinder/{commit}", commit, cwd=path)

    async def tree(self, repo_url: str, commit: str, reader: str | None = None) -> str:
        """The id of the commit's tree."""
        path = self._path(repo_url, reader)
        return (await self._git("rev-parse", "--verify", f"{commit}^{{tree}}", cwd=path)).strip()

    async def left_out(self, repo_url: str, commit: str, reader: str | None = None) -> list[str]:
        """Sentences about what a full clone would bring and ours does not, so that nobody wonders
        why a folder is empty."""
        path = self._path(repo_url, reader)
        sentences = []
        entries = await self._git("ls-tree", "-r", "-z", commit, cwd=path)
        folders = [
            entry.split("\t", 1)[1] for entry in entries.split("\0") if _GITLINK.match(entry)
        ]
        if folders:
            named = ", ".join(folders[:3]) + (" and more" if len(folders) > 3 else "")
            sentences.append(f"Submodules are not fetched: {named} will be empty.")
        attributes = (":(glob)**/.gitattributes",)
        if await self.files_with(repo_url, commit, "filter=lfs", attributes, reader):
            sentences.append("Files in Git LFS are not fetched: you get the pointers to them.")
        return sentences

    async def files_with(
        self,
        repo_url: str,
        commit: str,
        pattern: str,
        among: Sequence[str],
        reader: str | None = None,
    ) -> list[str]:
        """The files of a commit, among some, in which an extended regular expression matches."""
        wanted = ("-l", "-z", "-I", "-E", "-e", pattern, commit, "--", *among)
        try:
            listing = await self._git("grep", *wanted, cwd=self._path(repo_url, reader))
        except UserError:
            return []
        return [name.removeprefix(f"{commit}:") for name in listing.split("\0") if name]

    async def archive(
        self, repo_url: str, commit: str, target: Path, reader: str | None = None
    ) -> None:
        """The files of the commit, as a tar file."""
        path = self._path(repo_url, reader)
        await self._git("archive", "--format=tar", f"--output={target}", commit, cwd=path)

    async def bundle(
        self, repo_url: str, ref: str, commit: str, target: Path, reader: str | None = None
    ) -> None:
        """The commit with its history, as a bundle with one branch.

        The branch is made in a scratch repository that borrows the cache's objects: in the cache,
        two refs of two users' launches could never clash, but would pile up.
        """
        branch = "hpcbinder" if ref == "HEAD" or _FULL_SHA.match(ref) else ref
        scratch = Path(await asyncio.to_thread(tempfile.mkdtemp, dir=self._directory))
        try:
            await self._git("init", "--quiet", "--bare", "--", str(scratch))
            objects = self._path(repo_url, reader) / "objects"
            (scratch / "objects/info/alternates").write_text(f"{objects}\n")
            name = f"refs/heads/{branch}"
            await self._git("update-ref", name, commit, cwd=scratch)
            temporary = scratch / "content.bundle"
            await self._git("bundle", "create", "--quiet", str(temporary), name, cwd=scratch)
            os.replace(temporary, target)
        finally:
            await asyncio.to_thread(shutil.rmtree, scratch, ignore_errors=True)

    def _path(self, repo_url: str, reader: str | None) -> Path:
        name = repo_url if reader is None else f"{repo_url}\n{reader}"
        return self._directory / f"{hashlib.sha256(name.encode()).hexdigest()[:32]}.git"

    async def _has(self, path: Path, commit: str) -> bool:
        try:
            await self._git("cat-file", "-e", f"{commit}^{{commit}}", cwd=path)
        except UserError:
            return False
        return True

    async def _fetch_refs(self, path: Path, url: str, commit: str, reader: str | None) -> None:
        """The commit alone if the server gives it by name, else all branches and tags."""
        fetch = ("fetch", "--quiet", "--no-tags", "--no-write-fetch-head")
        one = [f"+{commit}:refs/hpcbinder/{commit}"]
        try:
            await self._ask(url, reader, *fetch, what=one, cwd=path)
        except UserError:
            everything = ["+refs/heads/*:refs/remote/heads/*", "+refs/tags/*:refs/remote/tags/*"]
            await self._ask(url, reader, *fetch, what=everything, cwd=path)

    async def _ask(
        self,
        url: str,
        reader: str | None,
        *command: str,
        what: Sequence[str],
        cwd: Path | None = None,
    ) -> str:
        """A command that talks to the repository's server."""
        way = await self._guard.way_to(url)
        settings = [f"http.curloptResolve={way.pin}"] if way.pin else []
        arguments = (*command, "--", way.url, *what)
        credential = await self._credential(url, way, reader)
        if credential is None:
            return await self._git(*arguments, cwd=cwd, url=url, settings=settings)
        with handed_over(credential, way.url) as (helper, pipe):
            return await self._git(
                *arguments, cwd=cwd, url=url, settings=[*settings, helper], pipes=[pipe]
            )

    async def _credential(self, url: str, way: Way, reader: str | None) -> Credential | None:
        """What the reader is known by where the way leads, if that is still the host she named."""
        if reader is None or host_of(way.url) != host_of(url):
            return None
        return await self._secrets(reader, way.url)


def _ref_names(ref: str) -> list[str]:
    """Where a ref may be found, best first; a tag object's own commit before the object."""
    return [f"refs/heads/{ref}", f"refs/tags/{ref}^{{}}", f"refs/tags/{ref}"]
