"""Repositories over Git: resolve a ref, fetch a commit, hand its content out.

Whoever reads is either nobody in particular, who sees what is public, or one reader with her own
credential. What a reader fetched is kept apart, and nobody else is ever given it.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import math
import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

from ..credentials.hosts import host_of
from ..credentials.store import Credential
from ..errors import NotFound, UserError
from .command import BareRepository, Git, More
from .guard import Guard, Way
from .handover import handed_over
from .listing import SUBMODULE, Entry, parse
from .refs import is_short_commit, no_such_ref, ref_names
from .spec import RepoSpec, is_full_commit

_FETCH = ("fetch", "--quiet", "--no-tags", "--no-write-fetch-head")
_EVERYTHING = ("+refs/heads/*:refs/remote/heads/*", "+refs/tags/*:refs/remote/tags/*")

ASKED_AT_ONCE = 32
"""Commands that talk to servers at the same time; each is a process, and some wait for long."""

Secrets = Callable[[str, str], Awaitable[Credential | None]]
"""The credential of a user for an address."""


async def no_secrets(_user: str, _url: str) -> None:
    """Nobody has a credential."""


class GitCache:
    """Bare repositories below one directory: one for every address, and for every reader of one."""

    def __init__(
        self, directory: Path, timeout: float, guard: Guard, secrets: Secrets = no_secrets
    ):
        self.directory = directory
        self.command = Git(directory, timeout)
        self._guard = guard
        self._secrets = secrets
        self._locks: dict[Path, asyncio.Lock] = {}
        self._asking = asyncio.Semaphore(ASKED_AT_ONCE)

    def check_host(self, repo_url: str) -> None:
        """Refuse a repository of a host that the site does not name."""
        self._guard.check_host(urlsplit(repo_url).hostname or "")

    async def resolve(self, spec: RepoSpec, reader: str | None = None) -> str:
        """The full commit that the ref stands for now. The server is always asked: whether it still
        lets the reader in is what it is asked for a commit."""
        names = ref_names(spec.ref)
        found = await self._listed(spec.repo_url, "HEAD", *names, reader=reader)
        if is_full_commit(spec.ref):
            return spec.ref
        for name in names:
            if name in found:
                return found[name]
        commit = await self._lengthen(spec, reader) if is_short_commit(spec.ref) else None
        if commit:
            return commit
        raise no_such_ref(spec)

    async def refs_below(self, repo_url: str, name: str, reader: str | None = None) -> set[str]:
        """The branches and tags of this name, or whose names go on with a slash after it."""
        kinds = ("refs/heads/", "refs/tags/")
        patterns = [f"{kind}{name}{end}" for kind in kinds for end in ("", "/*")]
        found = await self._listed(repo_url, *patterns, reader=reader)
        return {ref.split("/", 2)[2].removesuffix("^{}") for ref in found}

    async def fetch(self, spec: RepoSpec, commit: str, reader: str | None = None) -> None:
        """Have the commit, with its history, in the cache."""
        async with self.opened(spec.repo_url, reader) as repository:
            if await repository.has(commit):
                return
            await self._fetch_refs(repository, spec.repo_url, commit, reader)
            if not await repository.has(commit):
                raise NotFound(
                    f"{spec.repo_url} has no commit {commit[:12]}.",
                    "It may have been removed by a forced push; launch the branch instead.",
                )
            await repository.keep(commit)

    @asynccontextmanager
    async def opened(
        self, repo_url: str, reader: str | None = None
    ) -> AsyncIterator[BareRepository]:
        """The repository of an address, for nobody else meanwhile; made if it is not there."""
        repository = self._repository(repo_url, reader)
        async with self._locks.setdefault(repository.path, asyncio.Lock()):
            if not (repository.path / "HEAD").exists():
                await self.command("init", "--quiet", "--bare", "--", str(repository.path))
            # Its time says when it was last of use.
            os.utime(repository.path)
            yield repository

    async def forget(self, repo_url: str, reader: str | None = None) -> None:
        """Have nothing of an address any more."""
        await self.remove(self._repository(repo_url, reader).path)

    async def remove(self, path: Path, unused_since: float = math.inf) -> None:
        """Remove one repository of the cache, unless it was of use since then."""
        async with self._locks.setdefault(path, asyncio.Lock()):
            await asyncio.to_thread(_remove, path, unused_since)

    async def tree(self, repo_url: str, commit: str, reader: str | None = None) -> str:
        """The id of the commit's tree."""
        repository = self._repository(repo_url, reader)
        return (await repository("rev-parse", "--verify", f"{commit}^{{tree}}")).strip()

    async def listing(
        self, repo_url: str, commit: str, reader: str | None = None
    ) -> dict[str, Entry]:
        """Everything that a commit holds, by path."""
        listed = await self._repository(repo_url, reader)("ls-tree", "-r", "-z", commit)
        return await asyncio.to_thread(parse, listed)

    async def contents(
        self, repo_url: str, ids: Sequence[str], limit: int, reader: str | None = None
    ) -> dict[str, bytes | None]:
        """The content of files, by Git's names for it; None for what has more bytes."""
        return await self._repository(repo_url, reader).contents(ids, limit)

    async def descends(
        self, repo_url: str, commit: str, earlier: str, reader: str | None = None
    ) -> bool:
        """Whether a commit in the cache has the other one in its history."""
        try:
            await self._repository(repo_url, reader)("merge-base", "--is-ancestor", earlier, commit)
        except UserError:
            return False
        return True

    async def not_pushed(self, repo_url: str, commit: str, reader: str | None = None) -> list[str]:
        """Sentences about what a clone has and its bundle does not, so that nobody wonders why a
        folder is empty."""
        sentences = []
        entries = await self.listing(repo_url, commit, reader)
        folders = [path for path, entry in entries.items() if entry.mode == SUBMODULE]
        if folders:
            named = ", ".join(folders[:3]) + (" and more" if len(folders) > 3 else "")
            sentences.append(
                f"Submodules are not pushed: {named}. A launch fetches those that have a public "
                "address of their own."
            )
        attributes = (":(glob)**/.gitattributes",)
        if await self.files_with(repo_url, commit, "filter=lfs", attributes, reader):
            sentences.append(
                "Files in Git LFS are not pushed: you find the pointers to them in your workspace."
            )
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
            listing = await self._repository(repo_url, reader)("grep", *wanted)
        except UserError:
            return []
        return [name.removeprefix(f"{commit}:") for name in listing.split("\0") if name]

    async def archive(
        self,
        repo_url: str,
        commit: str,
        target: Path,
        reader: str | None = None,
        below: str = "",
    ) -> None:
        """The files of the commit, all of them and as they are, as a tar file; below a folder."""
        repository = self._repository(repo_url, reader)
        await asyncio.to_thread(repository.leave_out_nothing)
        prefix = f"--prefix={below}/" if below else "--prefix="
        await repository("archive", "--format=tar", prefix, f"--output={target}", commit)

    async def show(
        self, repo_url: str, commit: str, path: str, limit: int, reader: str | None = None
    ) -> str:
        """The text of one file of the commit, if it has no more than so many bytes."""
        repository, name = self._repository(repo_url, reader), f"{commit}:{path}"
        try:
            size = int(await repository("cat-file", "-s", name))
            if size <= limit:
                return await repository("cat-file", "blob", name)
        except UserError as error:
            raise NotFound(
                f"{repo_url} has no file “{path}” at {commit[:12]}.",
                "Check the spelling, upper and lower case included.",
            ) from error
        raise UserError(
            f"“{path}” is too large to be shown here: {size} bytes.",
            "It can be opened once the server runs.",
        )

    async def bundle(
        self, repo_url: str, ref: str, commit: str, target: Path, reader: str | None = None
    ) -> None:
        """The commit with its history, as a bundle with one branch.

        The branch is made in a scratch repository that borrows the cache's objects: in the cache,
        two refs of two users' launches could never clash, but would pile up.
        """
        branch = "hpcbinder" if ref == "HEAD" or is_full_commit(ref) else ref
        async with self.command.scratch() as scratch:
            await self.command("init", "--quiet", "--bare", "--", str(scratch))
            objects = self._repository(repo_url, reader).path / "objects"
            (scratch / "objects/info/alternates").write_text(f"{objects}\n")
            name = f"refs/heads/{branch}"
            await self.command("update-ref", name, commit, cwd=scratch)
            temporary = scratch / "content.bundle"
            await self.command("bundle", "create", "--quiet", str(temporary), name, cwd=scratch)
            os.replace(temporary, target)

    async def authorization(self, repo_url: str, reader: str) -> str:
        """What says over HTTP who the reader is, where the repository is; nothing if she has
        nothing to say there."""
        way = await self._guard.way_to(repo_url)
        credential = await self._credential(repo_url, way, reader)
        if credential is None:
            return ""
        words = f"{credential.user_name}:{credential.token}".encode()
        return f"Basic {base64.b64encode(words).decode()}"

    def _repository(self, repo_url: str, reader: str | None) -> BareRepository:
        name = repo_url if reader is None else f"{repo_url}\n{reader}"
        digest = hashlib.sha256(name.encode()).hexdigest()[:32]
        return BareRepository(self.directory / f"{digest}.git", self.command)

    async def _listed(
        self, repo_url: str, *patterns: str, reader: str | None = None
    ) -> dict[str, str]:
        """The server's refs that match, and their commits."""
        whole = BareRepository(self.directory, self.command)
        listing = await self._ask(whole, repo_url, reader, "ls-remote", "--quiet", what=patterns)
        lines = (line.partition("\t") for line in listing.splitlines())
        return {name: commit for commit, _, name in lines}

    async def _lengthen(self, spec: RepoSpec, reader: str | None) -> str | None:
        """The commit whose name begins so. Servers do not tell, so everything is fetched."""
        async with self.opened(spec.repo_url, reader) as repository:
            await self._ask(repository, spec.repo_url, reader, *_FETCH, what=_EVERYTHING)
            return await repository.commit_of(spec.ref)

    async def _fetch_refs(
        self, repository: BareRepository, repo_url: str, commit: str, reader: str | None
    ) -> None:
        """The commit alone if the server gives it by name, else all branches and tags."""
        one = [f"+{commit}:refs/hpcbinder/{commit}"]
        try:
            await self._ask(repository, repo_url, reader, *_FETCH, what=one)
        except UserError:
            await self._ask(repository, repo_url, reader, *_FETCH, what=_EVERYTHING)

    async def _ask(
        self,
        repository: BareRepository,
        url: str,
        reader: str | None,
        *command: str,
        what: Sequence[str],
    ) -> str:
        """A command that talks to the repository's server."""
        way = await self._guard.way_to(url)
        more: More = {
            "url": url,
            "variables": way.variables,
            "settings": [f"http.curloptResolve={way.pin}"] if way.pin else [],
        }
        arguments = (*command, "--", way.url, *what)
        credential = await self._credential(url, way, reader)
        async with self._asking:
            if credential is None:
                return await repository(*arguments, **more)
            with handed_over(credential, way.url) as (helper, pipe):
                more["settings"] = [*more["settings"], helper]
                more["pipes"] = [pipe]
                return await repository(*arguments, **more)

    async def _credential(self, url: str, way: Way, reader: str | None) -> Credential | None:
        """What the reader is known by where the way leads, if that is still the host she named."""
        if reader is None or host_of(way.url) != host_of(url):
            return None
        return await self._secrets(reader, way.url)


def _remove(path: Path, unused_since: float) -> None:
    if path.exists() and path.stat().st_mtime < unused_since:
        shutil.rmtree(path, ignore_errors=True)
