"""What is done to a tree that a stranger filled, before it becomes an artefact."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from hpcbinderhub.errors import UserError
from hpcbinderhub.images import squash


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The tree of a finished image."""
    root = tmp_path / "root"
    for folder in ("srv/hpcbinder/bin", "srv/repo", "proc", "tmp", "run", "etc"):
        (root / folder).mkdir(parents=True)
    for name in ("hpcbinder", "jupyterhub-singleuser", "python3"):
        (root / "srv/hpcbinder/bin" / name).write_text("#!/bin/sh\n", "utf-8")
    return root


@pytest.fixture
def context(tmp_path: Path) -> Path:
    """The commit's own files."""
    context = tmp_path / "context"
    (context / "data").mkdir(parents=True)
    (context / "README.md").write_text("own", "utf-8")
    (context / "same").symlink_to("README.md")
    (context / "other").symlink_to("README.md")
    return context


def test_what_the_build_made_is_listed(root: Path, context: Path) -> None:
    repo = root / "srv/repo"
    shutil.copytree(context, repo, symlinks=True, dirs_exist_ok=True)
    (repo / "data/x.csv").write_text("1,2\n", "utf-8")
    (repo / "data/y").symlink_to("x.csv")
    (repo / "folder-link").symlink_to("/etc")
    (repo / "other").unlink()
    (repo / "other").symlink_to("data")
    for hidden in ("__pycache__", ".git", "data/__pycache__"):
        (repo / hidden).mkdir()
        (repo / hidden / "a").write_text("", "utf-8")
    os.mkfifo(repo / "pipe")
    made = squash.generated(root, "/srv/repo", context)
    assert {(entry.path, entry.size, entry.link) for entry in made} == {
        ("data/x.csv", 4, None),
        ("data/y", 0, "x.csv"),
        ("folder-link", 0, "/etc"),
        ("other", 0, "data"),
    }


@pytest.mark.parametrize("text", ["two", "longer"])
def test_a_file_that_the_build_changed_is_listed(root: Path, context: Path, text: str) -> None:
    (root / "srv/repo/README.md").write_text(text, "utf-8")
    (entry,) = squash.generated(root, "/srv/repo", context)
    assert (entry.path, entry.size) == ("README.md", len(text))


def test_no_link_of_the_image_leads_out_of_it(root: Path, context: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    (outside / "repo").mkdir(parents=True)
    (outside / "repo/secret").write_text("x", "utf-8")
    shutil.rmtree(root / "srv")
    (root / "srv").symlink_to(outside)
    assert squash.generated(root, "/srv/repo", context) == []
    assert squash.python_packages(root) == ()
    squash.add_folders(root, ["/srv/new", "/fine/inner"])
    assert not (outside / "new").exists()
    assert (root / "fine/inner").is_dir()
    with pytest.raises(OSError, match="srv"):
        squash.write_record(root, {})


def test_a_record_replaces_a_link_of_its_name(root: Path, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("mine", "utf-8")
    (root / "srv/hpcbinder/image.json").symlink_to(victim)
    record = squash.image_record(
        generation="1", environment={"A": "b"}, repo_dir="/srv/repo", start=None, made=[]
    )
    squash.write_record(root, record)
    assert victim.read_text("utf-8") == "mine"
    assert json.loads((root / "srv/hpcbinder/image.json").read_text("utf-8")) == {
        "format": 1,
        "tools_generation": "1",
        "env": {"A": "b"},
        "repo_dir": "/srv/repo",
        "start": None,
        "generated": [],
    }


def test_an_image_that_could_not_be_launched_is_refused(root: Path) -> None:
    squash.check_programs(root)
    (root / "srv/hpcbinder/bin/hpcbinder").unlink()
    with pytest.raises(UserError, match="lacks hpcbinder"):
        squash.check_programs(root)


def test_packages_are_listed_by_name_and_version(root: Path) -> None:
    packages = root / "srv/hpcbinder/env/lib/python3.11/site-packages"
    for name in ("numpy-2.4.6.dist-info", "numpy", "jupyter_server-2.0.dist-info"):
        (packages / name).mkdir(parents=True)
    assert squash.python_packages(root) == ("jupyter_server==2.0", "numpy==2.4.6")
