"""A clone of the user's own, read and left as it is: not even an object is added to it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..errors import UserError

_WHO = ("hpcbinderhub push", "push@localhost")


@dataclass(frozen=True)
class Clone:
    """A clone, and a folder of ours for whatever has to be written."""

    top: Path
    scratch: Path

    @classmethod
    def at(cls, directory: Path, scratch: Path) -> Clone:
        """The clone that a directory is in."""
        try:
            top = _git(directory, "rev-parse", "--show-toplevel")
        except UserError as error:
            raise UserError(
                f"{directory} is not in a Git repository with files.",
                "Name the folder of a clone; `git init` and `git commit` make one.",
                detail=error.detail,
            ) from error
        clone = cls(Path(top), scratch)
        if clone._git("rev-parse", "--is-shallow-repository") == "true":
            raise UserError(
                "This clone's history is cut off.", "`git fetch --unshallow` gets the rest."
            )
        return clone

    @property
    def name(self) -> str:
        """What the repository is called unless somebody says otherwise."""
        return re.sub(r"[^A-Za-z0-9_.-]+", "-", self.top.name).lstrip(".-")[:100] or "repository"

    def commit(self, ref: str) -> str:
        """The commit that a ref stands for."""
        try:
            return self._git("rev-parse", "--verify", f"{ref}^{{commit}}")
        except UserError as error:
            if ref == "HEAD":
                raise UserError(
                    "Nothing has been committed here yet.", "Make a first commit with `git commit`."
                ) from error
            raise UserError(
                f"This clone has no branch, tag or commit “{ref}”.",
                "`git branch --all` and `git tag` list what there is.",
                detail=error.detail,
            ) from error

    def changes(self) -> int:
        """How many files differ from the last commit, or are not in it."""
        listing = self._git("status", "--porcelain", "-z", "--no-renames", "--untracked-files=all")
        return listing.count("\0")

    def commit_changes(self, parent: str) -> str:
        """A commit of the working tree as it is, but for what Git ignores.

        It has its parent's date, so that the same changes are the same commit every time.
        """
        index = self.scratch / "index"
        mine = Path(self._path("index"))
        if mine.exists():  # What it knows of files need not be found out again.
            shutil.copyfile(mine, index)
        date = self._git("show", "--no-patch", "--no-show-signature", "--format=%cI", parent)
        elsewhere = {
            "GIT_INDEX_FILE": str(index),
            "GIT_OBJECT_DIRECTORY": str(self._new_objects),
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": self._path("objects"),
        }
        for role in ("AUTHOR", "COMMITTER"):
            name, email = _WHO
            elsewhere |= {f"GIT_{role}_NAME": name, f"GIT_{role}_EMAIL": email}
            elsewhere[f"GIT_{role}_DATE"] = date
        self._git("add", "--all", "--", ":/", **elsewhere)
        tree = self._git("write-tree", **elsewhere)
        message = ("-m", "Changes that were not committed")
        return self._git("commit-tree", tree, "-p", parent, *message, **elsewhere)

    def bundle(self, commit: str) -> Path:
        """A Git bundle of the commit with its history."""
        borrowing, bundle = self.scratch / "borrowing", self.scratch / "bundle"
        _git(self.scratch, "init", "--quiet", "--bare", str(borrowing))
        objects = f"{self._path('objects')}\n{self._new_objects}\n"
        (borrowing / "objects/info/alternates").write_text(objects)
        _git(borrowing, "update-ref", "--no-deref", "HEAD", commit)
        try:
            _git(borrowing, "bundle", "create", "--quiet", str(bundle), "HEAD")
        except UserError as error:
            raise UserError(
                "This clone does not have all that the commit is made of.",
                "Push from a clone without `--filter`.",
                detail=error.detail,
            ) from error
        return bundle

    @property
    def _new_objects(self) -> Path:
        """Where objects go that the clone does not have."""
        folder = self.scratch / "objects"
        folder.mkdir(exist_ok=True)
        return folder

    def _path(self, name: str) -> str:
        return str(self.top / self._git("rev-parse", "--git-path", name))

    def _git(self, *arguments: str, **variables: str) -> str:
        return _git(self.top, *arguments, variables=variables)


def _git(where: Path, *arguments: str, variables: Mapping[str, str] | None = None) -> str:
    """What Git prints there."""
    # Not even the index is brought up to date; and messages are in the words that we look for.
    quiet = {"GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C.UTF-8"}
    try:
        done = subprocess.run(
            ["git", *arguments],
            cwd=where,
            env={**os.environ, **quiet, **(variables or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="surrogateescape",
            check=False,
        )
    except FileNotFoundError as error:
        raise UserError("There is no Git here, or no such folder.", "Install Git.") from error
    if done.returncode:
        raise UserError("Git says no.", "Correct it, and try again.", detail=done.stderr.strip())
    return done.stdout.strip()
