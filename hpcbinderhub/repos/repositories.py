"""Every repository, wherever it is: from what somebody pasted to a commit in the cache.

A record of an archive becomes a commit, and from there on is what any repository is.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

from ..errors import NotFound
from .forges import Forges
from .git import GitCache
from .identifiers import may_be_record
from .pasted import Pasted
from .records.records import Records
from .spec import RepoSpec, is_full_commit

MISSING_SECONDS = 30.0
"""How long something that is not there is believed not to be: long enough for a page that asks
again and again, short enough for somebody who has just made it."""
MAX_MISSING = 1024


class Repositories:
    """Resolves and fetches; what is in the cache then is `git`'s to hand out."""

    def __init__(
        self,
        git: GitCache,
        forges: Forges,
        records: Records,
        clock: Callable[[], float] = time.monotonic,
    ):
        self.git = git
        self._forges = forges
        self._records = records
        self._clock = clock
        self._missing: OrderedDict[tuple[str, str], tuple[float, NotFound]] = OrderedDict()

    async def resolve(self, spec: RepoSpec) -> str:
        """The full commit that a spec stands for now."""
        key = (spec.repo_url, spec.ref)
        since, missing = self._missing.get(key, (0.0, None))
        if missing and self._clock() < since + MISSING_SECONDS:
            raise NotFound(missing.message, missing.advice, detail=missing.detail)
        try:
            return await self._resolve(spec)
        except NotFound as error:
            self._missing[key] = (self._clock(), error)
            self._missing.move_to_end(key)
            if len(self._missing) > MAX_MISSING:
                self._missing.popitem(last=False)
            raise

    async def fetch(self, spec: RepoSpec, commit: str) -> None:
        """Have the commit, with its history, in the cache."""
        if may_be_record(spec.repo_url) and await self._records.fetch(spec.repo_url, commit):
            return
        await self.git.fetch(spec, commit)

    async def settle(self, pasted: Pasted) -> Pasted:
        """Where the ref ends and the file begins: after the longest name that is there."""
        if not pasted.is_open:
            return pasted
        first = pasted.spec.ref
        names = await self.git.refs_below(pasted.spec.repo_url, first)
        whole = f"{first}/{pasted.file}"
        fitting = [name for name in names if f"{whole}/".startswith(f"{name}/")]
        ref = max(fitting, key=len, default=first)
        return Pasted(pasted.spec.at(ref), whole[len(ref) :].lstrip("/"))

    async def _resolve(self, spec: RepoSpec) -> str:
        if may_be_record(spec.repo_url):
            commit = await self._records.resolve(spec.repo_url)
            if commit:
                return commit
        if is_full_commit(spec.ref):
            return spec.ref
        return await self._forges.resolve(spec) or await self.git.resolve(spec)
