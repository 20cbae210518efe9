"""Repositories on the cluster's own storage, read as the user.

The service has no eyes there. The agent on a login node reads, with the rights of whoever asks, and
what it sends is kept for her alone: another user's rights may be others.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import NotAllowed
from ..slurm.cluster import Cluster
from .bundles import take_in
from .git import GitCache
from .identifiers import is_path
from .refs import is_short_commit, no_such_ref, ref_names
from .spec import RepoSpec, is_full_commit


class OnStorage:
    """The repositories below the directories that a site names; a `Place`."""

    def __init__(self, cache: GitCache, cluster: Cluster, roots: Sequence[str]):
        self._cache = cache
        self._cluster = cluster
        self._roots = [root.rstrip("/") for root in roots]

    def has(self, url: str) -> bool:
        """See `Place`."""
        return is_path(url)

    async def open(self, spec: RepoSpec, user: str) -> tuple[str, str | None]:
        """See `Place`. What the user cannot read is not there for her."""
        self._check(spec.repo_url)
        names = ref_names(spec.ref)
        if is_full_commit(spec.ref) or is_short_commit(spec.ref):
            names.append(spec.ref)
        commit = await self._cluster.repository_commit(user, spec.repo_url, names)
        if not commit:
            raise no_such_ref(spec)
        return commit, user

    async def fetch(self, spec: RepoSpec, commit: str, reader: str | None) -> None:
        """See `Place`."""
        self._check(spec.repo_url)
        assert reader, "what is read as a user is that user's alone"
        async with self._cache.opened(spec.repo_url, reader) as repository:
            if await repository.has(commit):
                return
        async with self._cache.command.scratch() as folder:
            bundle = folder / "bundle"
            with bundle.open("wb") as file:
                await self._cluster.repository_bundle(reader, spec.repo_url, commit, file)
            await take_in(bundle, self._cache, spec.repo_url, reader)

    def _check(self, path: str) -> None:
        """That the site reads there. Where links lead is the agent's to see."""
        if not self._roots:
            raise NotAllowed(
                "This site reads no repositories from the cluster's storage.",
                "In the repository there, run `hpcbinderhub push`; or push it to a forge.",
            )
        if not any(f"{path}/".startswith(f"{root}/") for root in self._roots):
            raise NotAllowed(
                f"This site reads no repositories at {path}.",
                f"Clone it to somewhere below {' or '.join(self._roots)}.",
            )
