"""What is written down of a finished image: what its build left, and which Python does what."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from hpcbinderhub.errors import UserError
from hpcbinderhub.images.generated import generated, left_in_home, repository_folder
from hpcbinderhub.images.record import describe, write_record
from hpcbinderhub.images.world import fixed_packages, moved_home, read_world


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The tree of a finished image."""
    root = tmp_path / "root"
    for folder in ("srv/hpcbinder/env/lib/python3.11/site-packages", "srv/repo", "srv/home", "etc"):
        (root / folder).mkdir(parents=True)
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


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, "utf-8")


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
    made = generated(root, "/srv/repo", context)
    assert {(entry.path, entry.size, entry.link) for entry in made} == {
        ("data/x.csv", 4, None),
        ("data/y", 0, "x.csv"),
        ("folder-link", 0, "/etc"),
        ("other", 0, "data"),
    }


@pytest.mark.parametrize("text", ["two", "longer"])
def test_a_file_that_the_build_changed_is_listed(root: Path, context: Path, text: str) -> None:
    (root / "srv/repo/README.md").write_text(text, "utf-8")
    (entry,) = generated(root, "/srv/repo", context)
    assert (entry.path, entry.size) == ("README.md", len(text))


def test_what_the_build_left_in_home_is_listed(root: Path) -> None:
    write(root, {"etc/skel/.bashrc": "alias ll=ls", "etc/skel/.profile": "as given"})
    write(root, {"usr/share/base-files/dot.selected_editor": "for root"})
    home = {
        ".bashrc": "export A=1",
        ".profile": "as given",
        ".selected_editor": "for root",
        ".config/tool/settings": "x",
        ".cache/pip/1": "x",
        ".ssh/id": "x",
        ".local/lib/python3.11/site-packages/a.py": "x",
        ".local/bin/a": "x",
        ".local/share/jupyter/kernels/ir/kernel.json": "{}",
        ".local/share/words/list": "xy",
        "models/weights": "1",
        "work/README.md": "own",
    }
    write(root / "srv/home", home | {f"many/{n}": "1" for n in range(201)})
    (root / "srv/home/link").symlink_to("models")
    found = left_in_home(root, "/srv/home", "/srv/home/work")
    assert {(e.path, e.size, e.link, e.folder) for e in found} == {
        (".bashrc", 10, None, False),
        (".config/tool/settings", 1, None, False),
        (".local/share/words/list", 2, None, False),
        ("models/weights", 1, None, False),
        ("link", 0, "models", False),
        ("many", 201, None, True),
    }


@pytest.mark.parametrize("home", ["/", "/srv", "/srv/repo", "/srv/repo/sub", "/absent"])
def test_no_home_that_is_something_else_is_listed(root: Path, home: str) -> None:
    write(root, {"srv/repo/a": "x", "srv/repo/sub/b": "x", "b": "x"})
    assert left_in_home(root, home, "/srv/repo") == []


def test_the_repository_is_found_where_a_dockerfile_copied_it(root: Path, context: Path) -> None:
    candidates = ("/srv/repo", "/opt/model", "/srv/home")
    assert repository_folder(root, candidates, context) == "/srv/repo"
    shutil.copytree(context, root / "srv/home", symlinks=True, dirs_exist_ok=True)
    assert repository_folder(root, candidates, context) == "/srv/home"
    write(root, {"opt/model/README.md": "own", "opt/model/same": "", "opt/model/more": ""})
    assert repository_folder(root, candidates, context) == "/opt/model"


def test_no_link_of_the_image_leads_out_of_it(root: Path, context: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    write(outside, {"repo/secret": "x", "home/secret": "x", "hpcbinder/world.json": "{}"})
    shutil.rmtree(root / "srv")
    (root / "srv").symlink_to(outside)
    assert generated(root, "/srv/repo", context) == []
    assert left_in_home(root, "/srv/home", "/srv/repo") == []
    assert read_world(root).packages is None
    with pytest.raises(OSError, match="srv"):
        write_record(root, {})


def test_a_record_replaces_a_link_of_its_name(root: Path, tmp_path: Path, context: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("mine", "utf-8")
    (root / "srv/hpcbinder/image.json").symlink_to(victim)
    write_record(root, describe(root, {"Env": ["A=b"]}, context, "1"))
    assert victim.read_text("utf-8") == "mine"
    assert json.loads((root / "srv/hpcbinder/image.json").read_text("utf-8")) == {
        "format": 1,
        "tools_generation": "1",
        "env": {"A": "b"},
        "repo_dir": "/srv/repo",
        "start": None,
        "generated": [],
        "in_home": [],
        "world": {
            "server": ["/srv/hpcbinder/env/bin/jupyterhub-singleuser"],
            "python": "/srv/hpcbinder/env/bin/python3",
            "packages": "/srv/hpcbinder/env/lib/python3.11/site-packages",
            "jupyter_path": ["/srv/home/.local/share/jupyter"],
            "home": "/srv/home",
            "lacks": {},
        },
        "fixed": [],
    }


def test_the_world_of_another_image_is_what_its_build_says(root: Path, context: Path) -> None:
    world: dict[str, Any] = {"server": ["/opt/env/bin/jupyterhub-singleuser"], "python": None}
    world |= {"packages": None, "jupyter_path": [], "home": "/srv/home", "lacks": {"kernel": "x"}}
    write(root, {"srv/hpcbinder/world.json": json.dumps(world)})
    config = {"Env": ["HOME=/home/jo", "PATH=/home/jo/bin:/bin"], "WorkingDir": "/home/jo/work"}
    shutil.copytree(context, root / "srv/home/work", symlinks=True)
    record = describe(root, config, context, "1")
    assert record["world"] == world
    assert record["repo_dir"] == "/srv/home/work"
    assert record["env"] == {"HOME": "/srv/home", "PATH": "/srv/home/bin:/bin"}


@pytest.mark.parametrize("text", ["", "[]", '{"server": []}', '{"server": ["x"], "more": 1}'])
def test_a_world_that_a_build_damaged_is_refused(root: Path, text: str) -> None:
    write(root, {"srv/hpcbinder/world.json": text})
    with pytest.raises(UserError, match=r"world\.json cannot be read"):
        read_world(root)


def test_only_a_home_below_home_moves() -> None:
    variables = {"HOME": "/home/jo/", "A": "/home/jo", "B": "/home/joanna:/home/jo/x"}
    assert moved_home(variables) == {
        "HOME": "/srv/home/",
        "A": "/srv/home",
        "B": "/home/joanna:/srv/home/x",
    }
    assert moved_home({"HOME": "/root", "A": "/root/x"}) == {"HOME": "/root", "A": "/root/x"}


def test_packages_that_stay_as_they_were_built_are_named(root: Path) -> None:
    def url(path: str) -> str:
        return json.dumps({"url": f"file://{path}", "dir_info": {"editable": True}})

    packages = "srv/hpcbinder/env/lib/python3.11/site-packages"
    files = {
        "waves-1.0.dist-info/direct_url.json": url("/srv/repo"),
        "_waves_editable_loader.py": "",
        "tides-2.dist-info/direct_url.json": url("/srv/repo/tides"),
        "_tides_editable.py": "",
        "ours-1.dist-info/direct_url.json": url("/srv/repo"),
        "__editable___ours_1_finder.py": "",
        "theirs-1.dist-info/direct_url.json": url("/opt/theirs"),
        "_theirs_editable_loader.py": "",
    }
    write(root / packages, files)
    assert fixed_packages(root, read_world(root), "/srv/repo") == ("tides", "waves")
