"""The recipe key: two builds with the same key would make the same environment."""

from __future__ import annotations

import hashlib
import json

TOOLS_GENERATION = "1"
"""What every image holds of ours (start command, JupyterLab, Dask). It changes when an image of
the old kind could no longer be launched, not with every version."""


def recipe_key(tree: str, base_image: str, reader: str | None = None) -> str:
    """The key of a recipe that covers the whole tree of a commit.

    The tree, not the commit: a commit that changes nothing but its message needs no build. A recipe
    that not everybody may read has its reader in the key, so that nobody else gets what it makes.
    """
    parts = {"tree": tree, "base_image": base_image, "tools": TOOLS_GENERATION}
    if reader is not None:
        parts["reader"] = reader
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
