"""Artefacts that can be published, and a look at a registry that is not ours."""

from __future__ import annotations

import hashlib
from pathlib import Path

import requests
from images.small_image import make_artefact, make_tree

from hpcbinderhub.images.registry.publish import MANIFEST
from hpcbinderhub.images.squash import NEEDED_FILES


def make_published(store: Path, said: str = "data") -> str:
    """An artefact in a store, with all that an image needs and all of it text; its name."""
    tree = store.with_name(f"{store.name}-tree-of-{said}")
    make_tree(tree)
    (tree / "srv/repo/made-by-the-build").write_text(said)
    # The beginning of a program for amd64, as far as anybody looks at it.
    (tree / "srv/hpcbinder/tools/uv").write_text(f"{'x' * 18}>\0")
    for path in NEEDED_FILES:
        (tree / path.lstrip("/")).parent.mkdir(exist_ok=True)
        (tree / path.lstrip("/")).touch(0o755)
    store.mkdir(exist_ok=True)
    make_artefact(tree, store / "made.squashfs")
    digest = hashlib.sha256((store / "made.squashfs").read_bytes()).hexdigest()
    (store / "made.squashfs").rename(store / f"{digest}.squashfs")
    return digest


def get(repository: str, path: str) -> requests.Response:
    """As anybody asks a registry on this host."""
    host, _, name = repository.partition("/")
    url = f"http://{host}/v2/{name}/{path}"
    return requests.get(url, headers={"Accept": MANIFEST}, timeout=60)


def tags(repository: str) -> set[str]:
    """All names in a repository."""
    return set(get(repository, "tags/list").json().get("tags") or ())
