"""What the agent tells of a user's workspaces and of the storage that they are on."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

_COMMIT = re.compile(r"[0-9a-f]{40}")
NEARLY_FULL = 0.9


@dataclass(frozen=True)
class Folder:
    """One workspace. None stands for what could not be told, or not in time."""

    name: str
    path: str
    repo_url: str | None
    branch: str | None
    """Empty if a commit is checked out and no branch."""

    commit: str | None
    changes: int | None
    """Files that are changed, or in no commit."""

    unshared: int | None
    """Commits that were never seen anywhere else."""

    size: int | None
    """Bytes; if `whole` is not set, at least so many."""

    whole: bool
    newest: float | None
    """When a file in it last changed."""


@dataclass(frozen=True)
class Room:
    """Storage: bytes that are used and that there are, for the user or else for everybody."""

    used: int
    limit: int
    personal: bool

    @property
    def nearly_full(self) -> bool:
        """Whether somebody should be told."""
        return self.used >= NEARLY_FULL * self.limit


def folder_from(row: dict[str, Any]) -> Folder:
    """One workspace of the agent's answer. What code in a workspace could have written there is
    only shown; the commit, which Git is asked about, has its own shape."""
    commit = row["commit"] or ""
    return Folder(
        name=row["name"],
        path=row["path"],
        repo_url=row["repo_url"],
        branch=row["branch"],
        commit=commit if _COMMIT.fullmatch(commit) else None,
        changes=row["changes"],
        unshared=row["unshared"],
        size=row.get("size"),
        whole=row.get("whole", False),
        newest=row.get("newest"),
    )
