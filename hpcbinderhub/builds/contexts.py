"""What the environment of a commit is made from: a few of its files, or all of them.

The service has no checkout. It lists a commit in the Git cache, reads the few files that a decision
takes, and sends builders no more than what the key of a build covers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..images.base import PYTHON
from ..repos.git import GitCache
from ..site import Site
from .contentfree.decide import ContentFree, Wants, WholeTree, decide
from .contentfree.files import MAX_BYTES
from .contentfree.tree import Tree
from .ground import Ground
from .recipe import content_free_key, whole_tree_key


@dataclass(frozen=True)
class Context:
    """The ways to make one commit's environment, and the key of each."""

    whole: str
    """The key of the recipe that is the whole tree."""
    reduced: str | None
    """The key of the recipe that is these files alone; None if they would not do."""
    files: Mapping[str, bytes]


class Contexts:
    """Reads recipes in the Git cache, where the commits are by then."""

    def __init__(self, site: Site, git: GitCache):
        self._git = git
        self._ground = Ground.of(
            base_image=site.base_image,
            other_base_image=site.other_base_image,
            python=PYTHON,
            environment=site.build_environment,
            mount_points=tuple(site.mount_points),
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

    async def _decided(
        self, repo_url: str, commit: str, reader: str | None
    ) -> ContentFree | WholeTree:
        tree = Tree(await self._git.listing(repo_url, commit, reader))
        known: dict[str, bytes | None] = {}
        while isinstance(found := decide(tree, known, PYTHON), Wants):
            ids = {path: tree.entries[path].id for path in found.paths}
            contents = await self._git.contents(repo_url, list(ids.values()), MAX_BYTES, reader)
            known |= {path: contents[name] for path, name in ids.items()}
        return found
