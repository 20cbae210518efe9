"""What the environment of a commit is made from: a few of its files, or all of them.

The service has no checkout. It lists a commit in the Git cache, reads the few files that a decision
takes, and sends builders no more than what the key of a build covers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from ..errors import UserError
from ..repos.repositories import Repositories
from ..repos.spec import RepoSpec
from ..site import Site
from .contentfree.decide import ContentFree, Wants, WholeTree, decide
from .contentfree.files import MAX_BYTES
from .contentfree.tree import Tree
from .ground import Ground
from .recipe import content_free_key, whole_tree_key
from .records import Build


@dataclass(frozen=True)
class Context:
    """The ways to make one commit's environment, and the key of each."""

    whole: str
    """The key of the recipe that is the whole tree."""
    reduced: str | None
    """The key of the recipe that is these files alone; None if they would not do."""
    files: Mapping[str, bytes]


class Outdated(UserError):
    """What a build was asked for with is no recipe of its commit any more."""


class Contexts:
    """Reads recipes in the Git cache, where the commits are by then."""

    def __init__(self, site: Site, repositories: Repositories):
        self._repositories = repositories
        self._git = repositories.git
        self._ground = Ground.of(
            pythons=site.pythons,
            other_base_image=site.other_base_image,
            environment=site.build_environment,
            mount_points=tuple(site.mount_points),
            builder=site.builder,
        )

    async def of(
        self, repo_url: str, commit: str, reader: str | None, owner: str | None
    ) -> Context:
        """The context of a commit that a reader has in the cache, for an owner alone if there is
        one: the reader, or whoever else alone may have what is made."""
        tree = await self._git.tree(repo_url, commit, reader)
        whole = whole_tree_key(tree, self._ground, owner)
        found = await self._decided(repo_url, commit, reader)
        if isinstance(found, WholeTree):
            return Context(whole, None, {})
        return Context(whole, content_free_key(found, self._ground, owner), dict(found.files))

    async def of_build(self, build: Build) -> Context:
        """The context of the commit that a build was asked for with."""
        spec = RepoSpec("git", build.repo_url, build.ref)
        await self._repositories.fetch(spec, build.commit, build.reader)
        return await self.of(build.repo_url, build.commit, build.reader, build.reader)

    async def files(self, build: Build) -> Mapping[str, bytes] | None:
        """The files that a build is made from: those that its key covers; None for all."""
        context = await self.of_build(build)
        if build.key == context.reduced:
            return context.files
        if build.key == context.whole:
            return None
        raise Outdated(
            "The site has changed what it builds on since this build was asked for.",
            "Launch again: it is built on what there is now.",
            status=409,
        )

    async def _decided(
        self, repo_url: str, commit: str, reader: str | None
    ) -> ContentFree | WholeTree:
        tree = Tree(await self._git.listing(repo_url, commit, reader))
        known: dict[str, bytes | None] = {}
        pythons = tuple(self._ground.pythons)
        while isinstance(found := await asyncio.to_thread(decide, tree, known, pythons), Wants):
            ids = {path: tree.entries[path].id for path in found.paths}
            contents = await self._git.contents(repo_url, list(ids.values()), MAX_BYTES, reader)
            known |= {path: contents[name] for path, name in ids.items()}
        return found
