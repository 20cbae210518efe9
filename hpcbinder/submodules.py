"""Submodules, as `git submodule update` would leave them: a repository each, below the `.git` of
the one that it is a part of, with the commit checked out that this one names."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from . import lfs
from .git import LAUNCHED, Git, GitFailed, check_out, set_option, set_origin, unbundle
from .parts import Repository

Fetch = Callable[[], AbstractContextManager[Path]]
"""Downloads the bundle."""


class Refused(Exception):
    """A submodule that stays as it is, and why."""


def git_directory(one: Repository, parent: Path) -> Path:
    """Where a submodule's repository belongs, below that of its parent. Its name is the
    repository's choice, and must not lead anywhere else, or into another submodule's."""
    parts = one.name.split("/")
    if not all(parts) or {".", ".."} & set(parts) or "\\" in one.name:
        raise Refused("its name is no plain relative path")
    path = parent / "modules"
    for part in parts:
        if (path / "HEAD").exists():
            raise Refused("its name leads into another submodule")
        path /= part
    return path


def work_tree(one: Repository, top: Path) -> Path:
    """Where its files go: a folder, reached through no link."""
    path = top
    for part in one.path.split("/"):
        path /= part
        if part in ("", ".", "..") or path.is_symlink() or not path.is_dir():
            raise Refused("there is no folder for it")
    return path


def have(one: Repository, directory: Path, git: Git, fetch: Fetch) -> None:
    """See to it that a submodule's repository has the commit."""
    if (directory / "HEAD").exists():
        own = git.at(directory)
        try:
            own("cat-file", "-e", f"{one.commit}^{{commit}}")
        except GitFailed:
            with fetch() as bundle:
                unbundle(bundle, own)
        return
    # Whole, or not there: the next launch must not take half of it for the user's.
    partial = directory.with_name(f"{directory.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    with fetch() as bundle:
        clone(bundle, one, git.at(partial))
    partial.rename(directory)


def clone(bundle: Path, one: Repository, own: Git) -> None:
    """Make a repository of what a bundle holds, which has no files yet."""
    own("init", "--quiet", "--bare", "--template=")
    unbundle(bundle, own)
    set_origin(one.url, own)
    own("update-ref", "--no-deref", "HEAD", one.commit)
    own("update-ref", LAUNCHED, one.commit)


def settle(one: Repository, directory: Path, tree: Path, parent: Git) -> None:
    """Have its files in its folder: those of the commit, unless they are hers."""
    if not (tree / ".git").exists():
        attach(one, directory, tree, parent)
    elif not stands(one, parent.at(tree)):
        forward(one, parent.at(tree))


def attach(one: Repository, directory: Path, tree: Path, parent: Git) -> None:
    """Give a repository its folder, and have its parent know it."""
    if os.listdir(tree):
        raise Refused("there are files in its place")
    own = parent.at(directory)
    own("config", "--local", "core.bare", "false")
    own("config", "--local", "core.worktree", os.path.relpath(tree, directory))
    (tree / ".git").write_text(f"gitdir: {os.path.relpath(directory, tree)}\n")
    set_option(parent, f"submodule.{one.name}.active", "true")
    set_option(parent, f"submodule.{one.name}.url", one.url)
    own("update-ref", LAUNCHED, one.commit)
    own("update-ref", "--no-deref", "HEAD", one.commit)
    if one.in_lfs:
        lfs.install(own)
    check_out(one.commit, parent.at(tree))
    if one.in_lfs:
        lfs.expand(parent.at(tree))


def stands(one: Repository, own: Git) -> bool:
    """Whether the files of a submodule that is there already are those of its commit. Where she
    has commits or a branch of her own, it stays as it is."""
    head = own("rev-parse", "--verify", "HEAD").strip()
    if head == one.commit:
        return True
    try:
        launched = own("rev-parse", "--verify", LAUNCHED).strip()
    except GitFailed:
        launched = ""
    if head != launched or own("rev-parse", "--symbolic-full-name", "HEAD").strip() != "HEAD":
        raise Refused("it is not as a launch left it")
    return False


def forward(one: Repository, own: Git) -> None:
    """Check out another commit of a submodule, at the cost of none of her files."""
    before = own("rev-parse", "HEAD").strip()
    if one.in_lfs:
        lfs.install(own)
    try:
        own("checkout", "--quiet", "--detach", "--no-overwrite-ignore", one.commit, "--")
    except GitFailed as failed:
        raise Refused(failed.words) from None
    own("update-ref", LAUNCHED, one.commit)
    if one.in_lfs:
        lfs.expand(own, before)
