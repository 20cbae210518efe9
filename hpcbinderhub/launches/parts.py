"""What a workspace gets beside its commit: submodules, and what is in Git LFS.

A node has no internet, so the service fetches them, once for all who ask. That may take minutes, in
which a job would wait for them: a launch that makes a workspace has them fetched while its
environment is built.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import TypeAdapter

from ..errors import UserError
from ..repos.command import Closed
from ..repos.lfs import Lfs, Pointer
from ..repos.pointers import Pointers
from ..repos.repositories import Repositories
from ..repos.spec import RepoSpec
from ..repos.submodules import Manner, Submodule, Submodules
from .content import ContentStore

log = logging.getLogger(__name__)

MAX_OBJECTS = 2000
"""So many files in Git LFS are sent along."""
NAMED = 3


@dataclass(frozen=True)
class Wanted:
    """A commit, for one launch: each asks anew what its reader may read."""

    launch: str
    repo_url: str
    ref: str
    commit: str
    reader: str | None


@dataclass(frozen=True)
class Part:
    """The commit itself, or a submodule; and which objects in Git LFS come with it."""

    repository: Submodule
    in_lfs: bool
    """Whether any of its files are there, sent along or not."""
    objects: tuple[Pointer, ...] = ()


@dataclass(frozen=True)
class Parts:
    """All that a workspace gets; the commit itself comes first, and each before what is in it."""

    parts: tuple[Part, ...]
    notices: tuple[str, ...]
    """What its owner does not get, and how she may."""


_PARTS = TypeAdapter(Parts)


class PartsStore:
    """Gathers the parts of commits, and keeps them as long as somebody asks."""

    def __init__(
        self,
        content: ContentStore,
        repositories: Repositories,
        lfs: Lfs,
        lfs_bytes: int,
        directory: Path,
    ):
        self._content = content
        self._repositories = repositories
        self._git = repositories.git
        self._submodules = Submodules(repositories.git)
        self._pointers = Pointers(repositories.git)
        self._lfs = lfs
        self._lfs_bytes = lfs_bytes
        self._directory = directory
        self._gathering: dict[Wanted, asyncio.Task[Parts]] = {}

    def begin(self, wanted: Wanted) -> asyncio.Task[Parts]:
        """Gather the parts, unless that is being done."""
        if wanted not in self._gathering:
            task = asyncio.create_task(self._gather(wanted), name=f"parts-{wanted.commit}")
            self._gathering[wanted] = task
            task.add_done_callback(lambda done: self._done(wanted, done))
        return self._gathering[wanted]

    async def of(self, wanted: Wanted, seconds: float) -> Parts | None:
        """The parts; None if it takes longer than this to gather them, and they still are."""
        if wanted not in self._gathering:
            found = await asyncio.to_thread(self._kept, wanted)
            if found is not None:
                return found
        task = self.begin(wanted)
        await asyncio.wait([task], timeout=seconds)
        return task.result() if task.done() else None

    async def bundle(self, part: Part) -> Path:
        """A Git bundle of a part that is a submodule."""
        one = part.repository
        return await self._content.bundle(one.url, one.commit, one.commit, one.reader)

    def objects(self, parts: Parts) -> list[Path]:
        """The files with all objects, in their order."""
        return [self._place(part, one) for part in parts.parts for one in part.objects]

    async def close(self) -> None:
        """Stop gathering; what is there by now need not be fetched again."""
        tasks = list(self._gathering.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # -- gathering ---------------------------------------------------------------------------------

    async def _gather(self, wanted: Wanted) -> Parts:
        spec = RepoSpec("git", wanted.repo_url, wanted.ref)
        await self._repositories.fetch(spec, wanted.commit, wanted.reader)
        manner = Manner(await self._credential_of(wanted), make_do=True)
        where = (wanted.repo_url, wanted.commit, wanted.reader)
        modules, notices = await self._submodules.fetch(*where, manner)
        if notices:
            notices.append(
                "Where there is internet, `git submodule update --init --recursive` in your "
                "workspace fetches what you may read."
            )
        itself = Submodule("", wanted.repo_url, wanted.commit, reader=wanted.reader)
        parts, more = await self._with_objects([itself, *modules], manner.credential_of)
        if more:
            more.append("Where there is internet, `git lfs pull` in your workspace fetches them.")
        gathered = Parts(tuple(parts), (*notices, *more))
        await asyncio.to_thread(self._keep, wanted, gathered)
        return gathered

    async def _credential_of(self, wanted: Wanted) -> str | None:
        """The reader, if the repository itself cannot be read without her credential."""
        if wanted.reader is None or self._repositories.place_of(wanted.repo_url):
            return None
        try:
            await self._git.resolve(RepoSpec("git", wanted.repo_url, wanted.commit))
        except Closed:
            return wanted.reader
        except UserError:
            pass
        return None

    async def _with_objects(
        self, repositories: Sequence[Submodule], credential_of: str | None
    ) -> tuple[list[Part], list[str]]:
        files = [await self._pointers.of(one) for one in repositories]
        pointed = [(one, where) for where, all in enumerate(files) for one in all.values()]
        sizes = sorted({(file.to.size, file.to.oid, where) for file, where in pointed})
        fitting = _fitting(sizes, self._lfs_bytes)
        parts, notices = [], []
        for where, repository in enumerate(repositories):
            some = [Pointer(oid, size) for size, oid, place in fitting if place == where]
            part = Part(repository, bool(files[where]), tuple(some))
            there, why = await self._fetched(part, credential_of)
            parts.append(replace(part, objects=tuple(one for one in some if one in there)))
            wanting = {path: file.to for path, file in files[where].items()}
            notices += _lacking(wanting, there, some, why, self._lfs_bytes)
        return parts, notices

    async def _fetched(
        self, part: Part, credential_of: str | None
    ) -> tuple[Collection[Pointer], str]:
        """The objects of a part that are here now, and why others are not."""
        repository = part.repository
        if not part.objects or not repository.url.startswith("http"):
            return (), "No server has them."
        places = {one: self._place(part, one) for one in part.objects}
        try:
            reader = repository.reader if credential_of else None
            shown = await self._git.authorization(repository.url, reader) if reader else ""
            there = await self._lfs.download(repository.url, places, shown)
        except UserError as error:
            return [one for one, place in places.items() if place.exists()], error.message
        return there, f"Its server does not have them for {'you' if shown else 'everybody'}."

    # -- keeping -----------------------------------------------------------------------------------

    def _kept(self, wanted: Wanted) -> Parts | None:
        """What was gathered for this launch, if all of it is still there."""
        try:
            found = _PARTS.validate_json(self._file(wanted).read_bytes())
            for path in (*self.objects(found), self._file(wanted)):
                os.utime(path)
        except FileNotFoundError:
            return None
        return found

    def _keep(self, wanted: Wanted, parts: Parts) -> None:
        file = self._file(wanted)
        temporary = file.with_suffix(".new")
        temporary.write_bytes(_PARTS.dump_json(parts))
        temporary.rename(file)
        for path in self.objects(parts):
            os.utime(path)

    def _file(self, wanted: Wanted) -> Path:
        return self._directory / f"{_digest(wanted.launch)}.parts"

    def _place(self, part: Part, one: Pointer) -> Path:
        """What only one reader may have is kept apart, whatever else it is a part of."""
        name = _digest(f"{one.oid}\n{part.repository.reader or ''}")
        return self._directory / f"{name}.lfs"

    def _done(self, wanted: Wanted, task: asyncio.Task[Parts]) -> None:
        self._gathering.pop(wanted, None)
        if not task.cancelled() and task.exception():
            log.warning("The parts of %s were not gathered: %s", wanted.commit, task.exception())


def _fitting(sizes: Sequence[tuple[int, str, int]], room: int) -> list[tuple[int, str, int]]:
    """As many as there is room for: the small ones."""
    found = []
    for one in sizes[:MAX_OBJECTS]:
        room -= one[0]
        if room < 0:
            break
        found.append(one)
    return found


def _lacking(
    files: dict[str, Pointer],
    there: Collection[Pointer],
    sent: Collection[Pointer],
    why: str,
    limit: int,
) -> list[str]:
    """A sentence about files that are more than is sent, and one about those that are not had."""
    beyond = {path: to.size for path, to in files.items() if to not in sent}
    missing = {path: to.size for path, to in files.items() if to in sent and to not in there}
    reasons = (
        (beyond, f"A new workspace gets {told(limit)} of them, and {MAX_OBJECTS} files, at most."),
        (missing, why),
    )
    return [_sentence(some, reason) for some, reason in reasons if some]


def _sentence(files: dict[str, int], reason: str) -> str:
    largest = sorted(files, key=lambda path: (-files[path], path))
    named = ", ".join(f"{path} ({told(files[path])})" for path in largest[:NAMED])
    more = " and more" if len(files) > NAMED else ""
    number = "One file" if len(files) == 1 else f"{len(files)} files"
    return (
        f"{number} in Git LFS, {told(sum(files.values()))}, came as pointers: {named}{more}. "
        f"{reason}"
    )


def told(size: float) -> str:
    """A size as people read it."""
    for unit in ("bytes", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"


def _digest(words: str) -> str:
    return hashlib.sha256(words.encode()).hexdigest()[:40]
