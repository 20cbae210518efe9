"""Where a user's workspaces and launch records live, and what they are called.

Pure functions from names to paths; the directories themselves are made on the login node by the
agent and on the compute node by the start command, always as the user.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass
from pathlib import PurePosixPath

from .trust.reach import Reach

FILES = "files"
"""The clone, within a workspace's own folder."""


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
    """In a folder of its own, where it is made before it gets its name."""

    home: PurePosixPath
    """HOME inside the container: the launch's own, whatever else is to be seen there. Nodes of a
    server's workers have the server's, and a directory of their own."""

    real_home: PurePosixPath
    """Her home outside."""

    log: PurePosixPath
    """The folder that the job's log is in."""

    view: PurePosixPath
    """Empty copies of the ways to what is shown. Mounted over a top-level directory, such a copy
    leaves nothing else of it to be seen."""

    @property
    def log_apart(self) -> str:
        """The log's folder, if it is not the launch's own directory; else nothing."""
        return "" if self.log == self.launch else str(self.log)

    def shown(self, reach: Reach) -> tuple[PurePosixPath, ...]:
        """What the container shows of her files; none of these is below another.

        Other launches and workspaces are hidden too: what strangers' code leaves in a workspace
        that she trusts would see her home with the next launch from there.
        """
        apart = () if self.home.is_relative_to(self.launch) else (self.home,)
        own = (self.launch, *apart, self.workspace.parent)
        if reach is Reach.CLOSED:
            return own
        return (self.real_home, *(p for p in own if not p.is_relative_to(self.real_home)))

    def copy_of(self, path: PurePosixPath) -> PurePosixPath:
        """The empty copy of a directory."""
        return self.view / path.relative_to("/")


def top_level(path: PurePosixPath) -> PurePosixPath:
    """The directory at the file system's root that a path is in."""
    return PurePosixPath("/", *path.parts[1:2])


def root_of(template: str, account: Account) -> PurePosixPath:
    """Where all of a user's is, from the site's template and what the login node says of her."""
    filled = template.replace("{home}", account.home).replace("{user}", account.user)
    return PurePosixPath(filled)


def shelf(root: PurePosixPath) -> PurePosixPath:
    """The folder of a user's workspaces."""
    return root / "workspaces"


def places(
    root_template: str, account: Account, launch: str, workspace: str, log_template: str = ""
) -> Places:
    """The paths of a launch. Its log is with the rest of it unless the site has another place."""
    root = root_of(root_template, account)
    directory = root / "launches" / launch
    return Places(
        root=root,
        launch=directory,
        workspace=shelf(root) / workspace / FILES,
        home=directory / "home",
        real_home=PurePosixPath(account.home),
        log=root_of(log_template, account) / launch if log_template else directory,
        view=directory / "view",
    )


def slug(text: str, fallback: str = "repository") -> str:
    """Lower-case letters, digits and dashes, for names that people read in paths and URLs."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:40].strip("-") or fallback


def workspace_name(repo_url: str) -> str:
    """A readable name that is the same for the same repository, and for no other.

    It is a server's name as well, so it begins with a letter and has no more than 30 characters:
    JupyterHub starts no others.
    """
    digest = hashlib.sha256(repo_url.encode()).hexdigest()[:6]
    return f"{_readable(repo_url)[:23].strip('-')}-{digest}"


def run_name(repo_url: str) -> str:
    """A server's name for one run of a notebook: several may go on at once."""
    return f"{_readable(repo_url)[:19].strip('-')}-run-{secrets.token_hex(3)}"


def _readable(repo_url: str) -> str:
    tail = slug(repo_url.rstrip("/").removesuffix(".git").rsplit("/", 1)[-1])
    return tail if tail[0].isalpha() else f"repository-{tail}"
