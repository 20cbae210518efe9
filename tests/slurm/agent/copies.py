"""Workspaces as the start command leaves them: clones that remember where they came from."""

from __future__ import annotations

import subprocess
from pathlib import Path

from hpcbinder.claim import Content
from hpcbinder.git import Git, check_out, unpack

URL = "https://example.org/tides.git"


def git(directory: Path, *arguments: str) -> str:
    """What Git prints there."""
    identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
    done = subprocess.run(
        ["git", *identity, *arguments], cwd=directory, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def commit(directory: Path, name: str, text: str) -> str:
    """A file, and the commit that brings it."""
    (directory / name).write_text(text)
    git(directory, "add", name)
    git(directory, "commit", "--quiet", "--message", f"Add {name}")
    return git(directory, "rev-parse", "HEAD")


class Shelf:
    """A user's folder of workspaces, and the repository that they are made of."""

    def __init__(self, directory: Path):
        self.origin = directory / "origin"
        self.origin.mkdir()
        git(self.origin, "init", "--quiet", "--initial-branch=main")
        self.head = commit(self.origin, "README.md", "# Tides\n")
        self.root = directory / "hpcbinder" / "workspaces"
        self.root.mkdir(parents=True)

    def workspace(self, name: str, ref: str = "main") -> Path:
        """A new workspace of the repository's commit."""
        bundle = self.origin.parent / "content.bundle"
        git(self.origin, "bundle", "create", "--quiet", str(bundle), "refs/heads/main")
        path = self.root / name / "files"
        path.mkdir(parents=True)
        content = Content("", URL, ref, self.head, "keep")
        own = Git(path, {"PATH": "/usr/bin:/bin"})
        unpack(bundle, content, own)
        check_out(content.commit, own)
        return path
