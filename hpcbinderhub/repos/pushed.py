"""Repositories that users push from their own clones: who may read which, and how long they stay.

What is pushed lies in the cache and nowhere else: where everybody finds it if it is shared, and
else where its owner alone does. A name is either shared or not. When that changes, what was pushed
before under this name goes, so that nothing private becomes readable with it.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from ..database import Database
from ..errors import NotAllowed, NotFound, UserError
from . import pushed_records as records
from .bundles import take_in
from .git import GitCache
from .identifiers import PUSHED, is_pushed
from .pushed_records import PushedRepository
from .refs import is_short_commit, no_such_ref
from .spec import DEFAULT_REF, RepoSpec, is_full_commit, pushed

MIB = 2**20
DAY = 24 * 3600.0


@dataclass(frozen=True)
class PushLimits:
    """What a site takes, in bytes and days; 0 days: for good."""

    size: int
    size_per_user: int
    days: float


class Pushed:
    """All that users have pushed; a `Place`."""

    def __init__(
        self,
        database: Database,
        cache: GitCache,
        limits: PushLimits,
        clock: Callable[[], float] = time.time,
    ):
        self._database = database
        self._cache = cache
        self._limits = limits
        self._clock = clock
        self._locks: dict[tuple[str, str], asyncio.Lock] = {}

    # -- for those who launch it ---------------------------------------------------------------

    def has(self, url: str) -> bool:
        """See `Place`."""
        return is_pushed(url)

    async def open(self, spec: RepoSpec, user: str) -> tuple[str, str | None]:
        """See `Place`. It is noted as used."""
        owner, name = spec.repo_url.removeprefix(PUSHED).split("/")
        owner = unquote(owner)
        found = await self._database.run(records.find, owner, name)
        if found is None or found.reader not in (None, user):
            raise NotFound(
                f"There is no pushed repository {owner}/{name} that you may read.",
                "Push it again."
                if owner == user
                else f"Ask {owner} to push it again, with `--share`.",
            )
        commit = await self._commit(spec, found)
        await self._database.run(records.use, owner, name, self._clock())
        return commit, found.reader

    async def fetch(self, spec: RepoSpec, commit: str, reader: str | None) -> None:
        """See `Place`. It is in the cache, or not at all."""
        async with self._cache.opened(spec.repo_url, reader) as repository:
            if not await repository.has(commit):
                raise no_such_ref(spec.at(commit))

    # -- for those who push --------------------------------------------------------------------

    async def of_user(self, owner: str) -> list[PushedRepository]:
        """What a user has pushed, by name."""
        return await self._database.run(records.of_user, owner)

    async def admit(self, owner: str, size: int) -> None:
        """Refuse what is too much, before it is sent."""
        limits = self._limits
        if not limits.size:
            raise NotAllowed(
                "This site takes no pushed repositories.", "Push it to a forge, and paste that."
            )
        if size > limits.size:
            raise UserError(
                f"This is {size / MIB:.1f} MiB, and this site takes {limits.size / MIB:.0f} MiB.",
                "Keep large data out of the repository: put it onto the cluster's storage.",
                status=413,
            )
        kept = await self._database.run(records.total, owner)
        if kept + size > limits.size_per_user:
            raise UserError(
                f"You have pushed {kept / MIB:.0f} MiB already, and this site keeps "
                f"{limits.size_per_user / MIB:.0f} MiB for each user.",
                "Remove what you no longer need on the page “Yours”.",
                status=413,
            )

    async def take(self, owner: str, name: str, bundle: Path, *, shared: bool) -> PushedRepository:
        """Keep what a bundle holds."""
        url = pushed(owner, name, DEFAULT_REF).repo_url
        async with self._locks.setdefault((owner, name), asyncio.Lock()):
            before = await self._database.run(records.find, owner, name)
            if before and before.shared != shared:
                await self._forget(before)
            reader = None if shared else owner
            commit = await take_in(bundle, self._cache, url, reader)
            async with self._cache.opened(url, reader) as repository:
                repository.note_as_only_copy()
                size = await repository.size()
            now = self._clock()
            taken = PushedRepository(owner, name, commit, shared, size, pushed=now, used=now)
            await self._database.run(records.put, taken)
            return taken

    async def remove(self, owner: str, name: str, unused_since: float = math.inf) -> bool:
        """Remove all that was pushed under a name; False if there is nothing to remove."""
        async with self._locks.setdefault((owner, name), asyncio.Lock()):
            found = await self._database.run(records.find, owner, name)
            if found is None or found.used >= unused_since:
                return False
            await self._forget(found)
            return True

    async def tidy(self) -> None:
        """Remove what nobody has launched for too long."""
        if self._limits.days:
            moment = self._clock() - self._limits.days * DAY
            for owner, name in await self._database.run(records.unused_since, moment):
                await self.remove(owner, name, moment)

    async def _commit(self, spec: RepoSpec, found: PushedRepository) -> str:
        if spec.ref == DEFAULT_REF:
            return found.commit
        commit = None
        if is_full_commit(spec.ref) or is_short_commit(spec.ref):
            async with self._cache.opened(spec.repo_url, found.reader) as repository:
                commit = await repository.commit_of(spec.ref)
        if commit is None:
            raise NotFound(
                f"{found.owner} has pushed no commit “{spec.ref}” as {found.name}.",
                "What is pushed has no branches or tags; leave the ref empty for the last one.",
            )
        return commit

    async def _forget(self, repository: PushedRepository) -> None:
        await self._database.run(records.remove, repository.owner, repository.name)
        await self._cache.forget(repository.spec.repo_url, repository.reader)
