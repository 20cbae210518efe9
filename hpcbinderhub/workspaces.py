"""Where a user's workspaces and launch records live, and what they are called.

Pure functions from names to paths; the directories themselves are made on the login node by the
agent and on the compute node by the start command, always as the user.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import PurePosixPath


@dataclass(frozen=True)
class Account:
    """A user as the login node knows her."""

    user: str
    uid: int
    home: str


@dataclass(frozen=True)
class Places:
    """The paths of one launch on shared storage."""

    root: PurePosixPath
    launch: PurePosixPath
    workspace: PurePosixPath
    home: PurePosixPath
    """HOME inside the container: the launch's own, so that strangers' code does not get hers."""

    view: PurePosixPath
    """An empty copy of the way to `root`; mounted over the file system that holds her home, it
    leaves nothing else of that file system to be seen."""

    @property
    def mount(self) -> PurePosixPath:
        """The top-level directory that `root` is below."""
        return PurePosixPath("/", self.root.parts[1])

    @property
    def way_to_root(self) -> PurePosixPath:
        """`root` as seen from `mount`: what `view` must hold for the mount to succeed."""
        return self.root.relative_to(self.mount)


def root_of(template: str, account: Account) -> PurePosixPath:
    """Where all of a user's is, from the site's template and what the login node says of her."""
    filled = template.replace("{home}", account.home).replace("{user}", account.user)
    return PurePosixPath(filled)


def shelf(root: PurePosixPath) -> PurePosixPath:
    """The folder of a user's workspaces."""
    return root / "workspaces"


def places(root_template: str, account: Account, launch: str, workspace: str) -> Places:
    """The paths of a launch."""
    root = root_of(root_template, account)
    directory = root / "launches" / launch
    return Places(
        root=root,
        launch=directory,
        workspace=shelf(root) / workspace,
        home=directory / "home",
        view=directory / "view",
    )


def slug(text: str, fallback: str = "repository") -> str:
    """Lower-case letters, digits and dashes, for names that people read in paths and URLs."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:40].strip("-") or fallback


def workspace_name(repo_url: str) -> str:
    """A readable name that is the same for the same repository, and for no other."""
    tail = repo_url.rstrip("/").removesuffix(".git").rsplit("/", 1)[-1]
    return f"{slug(tail)}-{hashlib.sha256(repo_url.encode()).hexdigest()[:6]}"
