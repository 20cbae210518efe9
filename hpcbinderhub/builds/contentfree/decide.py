"""The decision: these files and nothing else, or the whole tree, or what has to be read first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from . import requirements
from .files import Files, NotContentFree, NotRead
from .kinds import ELSEWHERE, TABLES, Kind
from .packs import Pack, folder_of, pack_of, python_of
from .tree import Tree

MAX_FILES = 50


@dataclass(frozen=True)
class ContentFree:
    """An environment that is made from these files: whatever else the commit holds."""

    pack: Pack
    python: str
    """The version that the environment begins with."""
    files: tuple[tuple[str, bytes], ...]
    """Paths and content, by path."""


@dataclass(frozen=True)
class WholeTree:
    """An environment that any file of the commit may be a part of."""

    why: str


@dataclass(frozen=True)
class Wants:
    """These files have to be read before it can be decided."""

    paths: tuple[str, ...]


def decide(
    tree: Tree, known: Mapping[str, bytes | None], pythons: Sequence[str]
) -> ContentFree | WholeTree | Wants:
    """What the environment of a commit is made from; `known` is what has been read of it, and
    `pythons` the versions that base images have, the usual one first."""
    try:
        folder = folder_of(tree)
        return _content_free(Files(tree, known), folder, pythons)
    except NotContentFree as why:
        return WholeTree(str(why))
    except NotRead as missing:
        # What is likely to be asked for next comes along.
        likely = {missing.path, *_likely(folder)}
        return Wants(tuple(sorted(p for p in likely if tree.is_file(p) and p not in known)))


def _content_free(files: Files, folder: str, pythons: Sequence[str]) -> ContentFree:
    tree = files.tree
    pack = pack_of(files, folder, pythons)
    if pack not in TABLES:
        raise NotContentFree(f"the build pack is {pack}")
    for name in ELSEWHERE:
        if tree.has(folder + name):
            raise NotContentFree(f"there is a {folder}{name}")
    if any(name.endswith(":") for name in tree.folders):
        # In `name @ https://…`, pip would see a path into it.
        raise NotContentFree("a folder looks like the beginning of an address")
    table = TABLES[pack]
    kinds = {folder + name: kind for name, kind in table.beside.items()}
    if folder:
        kinds |= table.at_top
    python = python_of(files, folder, pythons) if pack == "uv" else None
    return ContentFree(
        pack,
        python or pythons[0],
        _ingredients(files, {p: k for p, k in kinds.items() if tree.has(p)}),
    )


def _ingredients(files: Files, kinds: Mapping[str, Kind]) -> tuple[tuple[str, bytes], ...]:
    """Every file that is read, and those that they include."""
    found: dict[str, bytes] = {}
    waiting, seen = list(kinds.items()), set(kinds)
    while waiting:
        path, kind = waiting.pop()
        reading = kind(path, files.text(path))
        if reading.part_of_key:
            found[path] = files.bytes(path)
        new = [name for name in reading.includes if name not in seen]
        waiting += [(name, requirements.read) for name in new]
        seen.update(new)
        if len(seen) > MAX_FILES:
            raise NotContentFree("very many files include each other")
    return tuple(sorted(found.items()))


def _likely(folder: str) -> set[str]:
    tables = TABLES.values()
    return {"Dockerfile"}.union(
        *({folder + name for name in table.beside} | set(table.at_top) for table in tables)
    )
