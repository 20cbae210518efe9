"""Conda's packages, from the `conda-meta` folder of each environment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..tree import Tree
from .found import Fields, Found, hashes, parsed, public

LIMIT = 32 << 20
"""Such a file names every file of its package."""


def read(tree: Tree, prefixes: Iterable[str]) -> Found:
    """The packages of all environments."""
    for prefix in prefixes:
        folder = f"{prefix}/conda-meta"
        for name in tree.names(folder):
            if not name.endswith(".json"):
                continue
            record = parsed(tree.whole(f"{folder}/{name}", LIMIT))
            yield None if record is None else _package(record, prefix)


def _package(record: Mapping[str, Any], prefix: str) -> Fields:
    return {
        "kind": "conda",
        "name": record.get("name"),
        "version": record.get("version"),
        "where": prefix,
        "build": record.get("build") or record.get("build_string") or "",
        "arch": record.get("subdir") or "",
        "url": public(record.get("url")),
        "hashes": hashes({kind: record.get(kind) for kind in ("sha256", "md5")}),
    }
