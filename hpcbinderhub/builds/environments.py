"""From a repository and a ref to its environment: the one that is there, or the build of it."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass

from ..images.engines.base import artefact_file
from ..repos.repositories import Repositories
from ..repos.spec import RepoSpec
from ..site import Site
from .queue import BuildQueue
from .recipe import recipe_key
from .records import Build, Order, Priority


@dataclass(frozen=True)
class Environment:
    """A commit, and either the artefact that it runs in or the build that makes it."""

    commit: str
    artefact: str | None
    build: Build | None
    left_out: tuple[str, ...]
    """Sentences about what the commit names and the environment will not have."""


class Environments:
    """The environments of a site."""

    def __init__(self, site: Site, queue: BuildQueue, repositories: Repositories):
        self._site = site
        self._queue = queue
        self._repositories = repositories
        self._git = repositories.git

    async def of(
        self,
        spec: RepoSpec,
        commit: str | None = None,
        *,
        asker: str,
        priority: Priority = Priority.AWAITED,
        anew: bool = False,
    ) -> Environment:
        """The environment of what the ref stands for now, or of a commit that is known already;
        `anew`: built again even if it is there."""
        commit = commit or await self._repositories.resolve(spec)
        await self._repositories.fetch(spec, commit)
        key = recipe_key(await self._git.tree(spec.repo_url, commit), self._site.base_image)
        left_out = tuple(await self._git.left_out(spec.repo_url, commit))
        artefact = await self.artefact(key)
        if artefact and not anew:
            return Environment(commit, artefact, None, left_out)
        build = await self._queue.enqueue(
            Order(key, spec.repo_url, spec.ref, commit, asker, priority)
        )
        return Environment(commit, None, build, left_out)

    async def artefact(self, key: str) -> str | None:
        """The artefact of a recipe, if it was made and is still in the store."""
        image = await self._queue.image(key)
        if image is None:
            return None
        path = artefact_file(self._site.artefacts, image.artefact)
        return image.artefact if await asyncio.to_thread(os.path.exists, path) else None
