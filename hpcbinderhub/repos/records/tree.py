"""The files of a record as a tree and a commit of Git's, which are the same on every machine."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from ...errors import UserError
from ..command import BareRepository

FILE, PROGRAM, LINK = "100644", "100755", "120000"
IDENTITY = "HPC BinderHub <hpcbinderhub@localhost>"
"""Who records' commits are by. A part of their names, so it stays as it is for ever."""


@dataclass(frozen=True)
class Entry:
    """A file of a tree, and where its content is. A link's content is the text of its target."""

    path: str
    mode: str
    source: Path


def tree_path(name: str) -> str | None:
    """A file's path in the tree; None for what does not belong there."""
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if name.startswith("/") or ".." in parts or not name.isprintable():
        raise UserError(
            f"This record holds a file with a name that is not safe: “{ascii(name)[1:120]}”.",
            "Tell whoever keeps the record; as it is, it cannot be launched.",
        )
    if not parts or parts[0] == "__MACOSX" or any(part.lower() == ".git" for part in parts):
        return None
    return "/".join(parts)


def without_common_folder(entries: Sequence[Entry]) -> list[Entry]:
    """The entries without the one folder that all of them are in, if they are."""
    tops = {entry.path.partition("/")[0] for entry in entries}
    if len(tops) != 1 or not all("/" in entry.path for entry in entries):
        return list(entries)
    return [replace(entry, path=entry.path.partition("/")[2]) for entry in entries]


async def commit(
    repository: BareRepository, entries: Sequence[Entry], message: str, moment: int
) -> str:
    """The commit of these files, without parents."""
    _check(entries)
    sources = "".join(f"{entry.source}\n" for entry in entries).encode()
    # Without filters: `.gitattributes` must change nothing of what the archive vouches for.
    ids = await repository("hash-object", "-w", "--no-filters", "--stdin-paths", stdin=sources)
    listing = "".join(
        f"{entry.mode} {name}\t{entry.path}\0"
        for entry, name in zip(entries, ids.split(), strict=True)
    )
    index = repository.path / "index"
    variables = {"GIT_INDEX_FILE": str(index)}
    await asyncio.to_thread(index.unlink, missing_ok=True)
    await repository(
        "update-index", "-z", "--index-info", stdin=listing.encode(), variables=variables
    )
    tree = (await repository("write-tree", variables=variables)).strip()
    return await commit_of_tree(repository, tree, message, moment)


async def commit_of_tree(repository: BareRepository, tree: str, message: str, moment: int) -> str:
    """A commit that depends on nothing but these three."""
    content = commit_content(tree, message, moment)
    words = ("hash-object", "-w", "-t", "commit", "--stdin")
    return (await repository(*words, stdin=content)).strip()


def commit_content(tree: str, message: str, moment: int) -> bytes:
    """What Git stores, and names by its hash."""
    who = f"{IDENTITY} {moment} +0000"
    return f"tree {tree}\nauthor {who}\ncommitter {who}\n\n{message}\n".encode()


def _check(entries: Sequence[Entry]) -> None:
    paths = {entry.path for entry in entries}
    folders = {str(parent) for path in paths for parent in PurePosixPath(path).parents}
    both = paths & folders
    if both or len(paths) < len(entries):
        named = next(iter(both), "")
        raise UserError(
            f"This record holds two things with one name: {named or 'see its files'}.",
            "Tell whoever keeps the record; as it is, it cannot be launched.",
        )
    if not entries:
        raise UserError(
            "This record holds no files that everybody may read.",
            "Check that you mean this version of it; restricted files cannot be launched.",
        )
