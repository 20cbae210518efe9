"""The recipe key: two builds with the same key would make the same environment."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from .contentfree.decide import ContentFree
from .ground import Ground

TOOLS_GENERATION = "3"
"""What every image holds of ours (start command, JupyterLab, Dask). It changes when an image of
the old kind could no longer be launched, not with every version."""

FORMAT = 2
"""Of the key itself: another one for another way to make it."""


def whole_tree_key(tree: str, ground: Ground, reader: str | None) -> str:
    """The key of a recipe that covers the whole tree of a commit.

    The tree, not the commit: a commit that changes nothing but its message needs no build. It names
    submodules by their commits and files in LFS by their hashes.
    """
    # Any of the site's Pythons may be what a file in it asks for, and the usual one if none does.
    pythons = list(ground.pythons.items())
    made_from = {"tree": tree, "other_base": ground.other_base, "pythons": pythons}
    return _key(made_from, ground, reader)


def content_free_key(recipe: ContentFree, ground: Ground, reader: str | None) -> str:
    """The key of a recipe that is a few files of a commit, whatever else that holds.

    What is asked for without a version, or by the name of a branch, is what that is on the day of
    the build: the key names the text.
    """
    files = {path: hashlib.sha256(content).hexdigest() for path, content in recipe.files}
    python = [recipe.python, ground.pythons[recipe.python]]
    made_from: dict[str, Any] = {"pack": recipe.pack, "files": files, "python": python}
    if recipe.pack != "uv":
        made_from["other_base"] = ground.other_base
    return _key(made_from, ground, reader)


def _key(made_from: dict[str, Any], ground: Ground, reader: str | None) -> str:
    """A recipe that not everybody may read has its reader in the key, so that nobody else gets what
    it makes."""
    parts = made_from | {
        "format": FORMAT,
        "tools": TOOLS_GENERATION,
        "variables": dict(ground.variables),
        "folders": ground.folders,
        "builder": ground.builder,
        "reader": reader,
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
