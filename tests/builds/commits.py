"""Commits of tests: paths and bytes, and what the service finds out about them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from hpcbinderhub.builds.contentfree.decide import ContentFree, Wants, WholeTree, decide
from hpcbinderhub.builds.contentfree.tree import Tree
from hpcbinderhub.builds.ground import Ground
from hpcbinderhub.builds.recipe import content_free_key, whole_tree_key
from hpcbinderhub.builds.request import PYTHON
from hpcbinderhub.repos.listing import Entry

Commit = Mapping[str, bytes]

GROUND = Ground.of(
    pythons={
        PYTHON: "docker.io/library/debian:bookworm",
        "3.13": "docker.io/library/debian:trixie",
    },
    other_base_image="docker.io/library/buildpack-deps:24.04",
    environment={},
    mount_points=("/home",),
    builder="buildah",
)


def tree_of(commit: Commit, odd: Mapping[str, str] = {}) -> Tree:
    """The listing; `odd` has the modes of what is no ordinary file."""
    files = {path: Entry("100644", hashlib.sha1(text).hexdigest()) for path, text in commit.items()}
    return Tree(files | {path: Entry(mode, "0" * 40) for path, mode in odd.items()})


def decided(
    commit: Commit, odd: Mapping[str, str] = {}, ground: Ground = GROUND
) -> ContentFree | WholeTree:
    """The decision, as the service comes to it: by reading what it is asked to read."""
    tree, known = tree_of(commit, odd), dict[str, bytes | None]()
    while isinstance(found := decide(tree, known, tuple(ground.pythons)), Wants):
        assert found.paths
        assert not known.keys() & set(found.paths)
        known |= {path: commit[path] for path in found.paths}
    return found


def ingredients(commit: Commit, odd: Mapping[str, str] = {}) -> dict[str, bytes] | None:
    """The files that an environment is made from; None for all."""
    found = decided(commit, odd)
    return dict(found.files) if isinstance(found, ContentFree) else None


def key(commit: Commit, ground: Ground = GROUND, reader: str | None = None) -> str:
    """The key of a commit's recipe."""
    found = decided(commit, ground=ground)
    if isinstance(found, ContentFree):
        return content_free_key(found, ground, reader)
    whole = hashlib.sha1(repr(sorted(commit.items())).encode()).hexdigest()
    return whole_tree_key(whole, ground, reader)
