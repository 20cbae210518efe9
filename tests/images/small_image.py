"""An artefact of a few kilobytes that has all that every image has."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from hpcbinderhub.builds.request import Artefact
from hpcbinderhub.images import convert, record
from hpcbinderhub.images.world import read_world

START = "/srv/repo/binder/start"


def make_tree(root: Path) -> None:
    """The tree of a finished image."""
    for folder in ("srv/hpcbinder/tools", "srv/repo/binder", "srv/home", "usr/bin", "tmp"):
        (root / folder).mkdir(parents=True)
    # The beginning of any program says for which machine it is.
    (root / "srv/hpcbinder/tools/uv").write_bytes(Path(sys.executable).read_bytes()[:4096])
    (root / START.lstrip("/")).write_text('#!/bin/sh\nexec "$@"\n')
    (root / "srv/repo/made-by-the-build").write_text("data")
    described = record.image_record(
        generation="1",
        environment={"PATH": "/srv/hpcbinder/env/bin:/usr/bin", "HOME": "/root", "A": "b c"},
        repo_dir="/srv/repo",
        start=START,
        made=[],
        world=read_world(root),
    )
    (root / record.RECORD.lstrip("/")).write_text(json.dumps(described))


def make_artefact(root: Path, target: Path) -> None:
    """The tree as a builder converts it; skips where that cannot be done."""
    if shutil.which("mksquashfs") is None or shutil.which("unsquashfs") is None:
        pytest.skip("squashfs-tools are not installed on this host")
    place = convert.Place(target.parent, "here")
    *_lines, made = convert.from_tree(root, place, {})
    assert isinstance(made, Artefact)
    made.path.rename(target)
    made.path.with_suffix(".json").unlink()


def make_bundle(folder: Path, target: Path) -> str:
    """A repository with one commit, as the service gives it; the commit."""

    def git(*arguments: str) -> str:
        identity = ("-c", "user.name=Alice", "-c", "user.email=alice@example.org")
        done = subprocess.run(
            ["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    folder.mkdir()
    git("init", "--quiet", "--initial-branch=main")
    (folder / "index.ipynb").write_text("{}")
    git("add", ".")
    git("commit", "--quiet", "--message=First")
    git("bundle", "create", "--quiet", str(target), "main")
    return git("rev-parse", "HEAD")
