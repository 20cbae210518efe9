"""The fast-forward of a workspace that is there already, asked for by its owner before the launch.

It happens wholly or not at all, and never at the cost of a file of hers: not even of one that git
is told to ignore, as what an image's build made is.
"""

from __future__ import annotations

from pathlib import Path

from .claim import Content
from .git import LAUNCHED, Git, GitFailed, unbundle

QUIETLY = ("-c", "gc.auto=0", "-c", "merge.autoStash=false", "-c", "submodule.recurse=false")
ALONE = ("--ff-only", "--no-overwrite-ignore", "--quiet")


class Impossible(Exception):
    """The workspace stays as it is; the words say why."""


def fetch(bundle: Path, content: Content, git: Git) -> set[str]:
    """Have the commit, if the workspace could go to it; returns the refs that came."""
    checked_out = git("rev-parse", "--symbolic-full-name", "HEAD").strip()
    if checked_out not in ("HEAD", f"refs/heads/{content.ref}"):
        raise Impossible(f"{checked_out.removeprefix('refs/heads/')} is checked out")
    return unbundle(bundle, git)


def forward(content: Content, refs: set[str], git: Git) -> None:
    """Bring what is checked out to the commit, if that is ahead of it."""
    try:
        git(*QUIETLY, "merge", *ALONE, content.commit)
    except GitFailed as failed:
        raise Impossible(failed.words) from None
    if f"refs/heads/{content.ref}" in refs:
        git("update-ref", f"refs/remotes/origin/{content.ref}", content.commit)
    git("update-ref", LAUNCHED, content.commit)
