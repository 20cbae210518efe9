"""Every repository, wherever it is: from what somebody pasted to a commit in the cache.

A record of an archive becomes a commit, and from there on is what any repository is. So does what
lies in a place that no server hands out.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from contextlib import suppress

from ..errors import NotFound
from .command import Closed
from .forges import Forges
from .git import GitCache
from .identifiers import may_be_record
from .pasted import Pasted
from .places import Place
from .records.records import Records
from .spec import RepoSpec

MISSING_SECONDS = 30.0
"""How long something that is not there is believed not to be: long enough for a page that asks
again and again, short enough for somebody who has just made it."""
MAX_MISSING = 1024
Asked = tuple[str, str, str | None]


class Repositories:
    """Resolves and fetches; what is in the cache then is `git`'s to hand out."""

    def __init__(
        self,
        git: GitCache,
        forges: Forges,
        records: Records,
        clock: Callable[[], float] = time.monotonic,
        places: Sequence[Place] = (),
    ):
        self.git = git
        self._forges = forges
        self._records = records
        self._clock = clock
        self._places = places
        self._missing: OrderedDict[Asked, tuple[float, NotFound]] = OrderedDict()

    def place_of(self, url: str) -> Place | None:
        """Where a repository is that no server hands out."""
        return next((place for place in self._places if place.has(url)), None)

    async def resolve(self, spec: RepoSpec, reader: str | None = None) -> str:
        """The full commit that a spec stands for now; with the credential of a reader, if one is
        named. Whoever serves it is always asked, so it is also whether it may be read."""
        key = (spec.repo_url, spec.ref, reader)
        since, missing = self._missing.get(key, (0.0, None))
        if missing and self._clock() < since + MISSING_SECONDS:
            raise type(missing)(missing.message, missing.advice, detail=missing.detail)
        try:
            return await self._resolve(spec, reader)
        except NotFound as error:
            self._missing[key] = (self._clock(), error)
            self._missing.move_to_end(key)
            if len(self._missing) > MAX_MISSING:
                self._missing.popitem(last=False)
            raise

    async def fetch(self, spec: RepoSpec, commit: str, reader: str | None = None) -> None:
        """Have the commit, with its history, in the cache."""
        place = self.place_of(spec.repo_url)
        if place:
            await place.fetch(spec, commit, reader)
            return
        if may_be_record(spec.repo_url) and await self._records.fetch(spec.repo_url, commit):
            return
        await self.git.fetch(spec, commit, reader)

    async def settle(self, pasted: Pasted, user: str) -> Pasted:
        """Where the ref ends and the file begins: after the longest name that is there, as far as
        the user may see. Whether she may launch it is not asked here."""
        if not pasted.is_open:
            return pasted
        first = pasted.spec.ref
        names = await self._refs_below(pasted.spec.repo_url, first, user)
        whole = f"{first}/{pasted.file}"
        fitting = [name for name in names if f"{whole}/".startswith(f"{name}/")]
        ref = max(fitting, key=len, default=first)
        return Pasted(pasted.spec.at(ref), whole[len(ref) :].lstrip("/"))

    async def _refs_below(self, url: str, name: str, user: str) -> set[str]:
        for reader in (None, user):
            with suppress(Closed):
                return await self.git.refs_below(url, name, reader)
        return set()

    async def _resolve(self, spec: RepoSpec, reader: str | None) -> str:
        if reader:
            return await self.git.resolve(spec, reader)
        if may_be_record(spec.repo_url):
            commit = await self._records.resolve(spec.repo_url)
            if commit:
                return commit
        # A forge's API is not where the repository is, so nobody else looks at this.
        self.git.check_host(spec.repo_url)
        return await self._forges.resolve(spec) or await self.git.resolve(spec)
