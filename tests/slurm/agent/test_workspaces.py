"""What the agent tells of workspaces, and how it deletes one: real Git, as the user who asks."""

from __future__ import annotations

import fcntl
import hashlib
import os
import time
from pathlib import Path
from typing import Any

import pytest

from hpcbinderhub.slurm.framing import AgentError

from .conftest import Ask
from .copies import URL, Shelf, commit, git


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path)


def listed(ask: Ask, shelf: Shelf, name: str = "") -> dict[str, dict[str, Any]]:
    answer = ask("workspaces", root=str(shelf.root), name=name, measure=True)
    return {found["name"]: found for found in answer["workspaces"]}


def refused(ask: Ask, shelf: Shelf, name: str) -> tuple[str, str]:
    with pytest.raises(AgentError) as error:
        ask("delete-workspace", root=str(shelf.root), name=name, force=False)
    return error.value.kind, str(error.value)


def test_a_workspace_and_what_happens_to_it(ask: Ask, shelf: Shelf) -> None:
    workspace = shelf.workspace("tides-3f2a")
    found = listed(ask, shelf)["tides-3f2a"]
    assert (found["repo_url"], found["branch"], found["commit"]) == (URL, "main", shelf.head)
    assert (found["changes"], found["unshared"]) == (0, 0)
    assert found["path"] == str(workspace)

    (workspace / "README.md").write_text("mine\n")
    (workspace / "notes").mkdir()
    (workspace / "notes" / "one.txt").write_text("1\n")
    (workspace / "notes" / "two.txt").write_text("2\n")
    assert listed(ask, shelf)["tides-3f2a"]["changes"] == 2
    git(workspace, "add", "--all")
    git(workspace, "mv", "README.md", "READ ME.md")
    assert listed(ask, shelf)["tides-3f2a"]["changes"] == 4

    git(workspace, "commit", "--quiet", "--message", "Mine")
    found = listed(ask, shelf)["tides-3f2a"]
    assert (found["changes"], found["unshared"]) == (0, 1)


def test_whatever_is_nowhere_else_counts(ask: Ask, shelf: Shelf) -> None:
    workspace = shelf.workspace("tides-3f2a")
    git(workspace, "switch", "--quiet", "--create", "aside")
    commit(workspace, "aside.txt", "aside\n")
    git(workspace, "switch", "--quiet", "main")
    assert listed(ask, shelf)["tides-3f2a"]["unshared"] == 1
    (workspace / "README.md").write_text("stashed\n")
    git(workspace, "stash")
    found = listed(ask, shelf)["tides-3f2a"]
    assert (found["changes"], found["unshared"]) == (0, 3)


def test_a_tag_or_a_commit_is_known_as_well(ask: Ask, shelf: Shelf) -> None:
    workspace = shelf.workspace("tides-3f2a", ref="v1.0")
    found = listed(ask, shelf)["tides-3f2a"]
    assert (found["branch"], found["commit"], found["unshared"]) == ("", shelf.head, 0)
    commit(workspace, "more.txt", "more\n")
    assert listed(ask, shelf)["tides-3f2a"]["unshared"] == 1


def test_a_filled_submodule_is_not_called_unchanged(ask: Ask, shelf: Shelf) -> None:
    git(shelf.origin, "update-index", "--add", "--cacheinfo", f"160000,{shelf.head},inner")
    git(shelf.origin, "commit", "--quiet", "--message", "Add a submodule")
    shelf.head = git(shelf.origin, "rev-parse", "HEAD")
    workspace = shelf.workspace("tides-3f2a")
    assert listed(ask, shelf)["tides-3f2a"]["changes"] == 0
    (workspace / "inner" / "mine.txt").write_text("mine\n")
    assert listed(ask, shelf)["tides-3f2a"]["changes"] == 1


def test_a_submodule_is_looked_into(ask: Ask, shelf: Shelf) -> None:
    inner = shelf.origin.parent / "inner"
    git(shelf.origin.parent, "clone", "--quiet", str(shelf.origin), str(inner))
    here = ("-c", "protocol.file.allow=always", "submodule", "--quiet")
    git(shelf.origin, *here, "add", str(inner), "libs/inner")
    git(shelf.origin, "commit", "--quiet", "--message", "Add a submodule")
    shelf.head = git(shelf.origin, "rev-parse", "HEAD")
    workspace = shelf.workspace("tides-3f2a")
    git(workspace, *here, "update", "--init")
    found = listed(ask, shelf)["tides-3f2a"]
    assert (found["changes"], found["unshared"]) == (0, 0)

    mine = workspace / "libs" / "inner"
    (mine / "README.md").write_text("mine\n")
    (mine / "new.txt").write_text("new\n")
    assert listed(ask, shelf)["tides-3f2a"]["changes"] == 2
    git(mine, "add", "--all")
    git(mine, "commit", "--quiet", "--message", "Mine")
    found = listed(ask, shelf)["tides-3f2a"]
    assert (found["changes"], found["unshared"]) == (1, 1)
    assert refused(ask, shelf, "tides-3f2a")[0] == "unsaved"
    # Its repository is somewhere else: whatever is there counts, and is not looked into.
    (mine / ".git").write_text(f"gitdir: {inner}/.git\n")
    assert listed(ask, shelf)["tides-3f2a"]["changes"] == 1


def test_what_came_from_lfs_is_no_change(ask: Ask, shelf: Shelf) -> None:
    content = b"measured" * 100
    oid = hashlib.sha256(content).hexdigest()
    version = "version https://git-lfs.github.com/spec/v1"
    shelf.head = commit(shelf.origin, "a.bin", f"{version}\noid sha256:{oid}\nsize 800\n")
    workspace = shelf.workspace("tides-3f2a")
    (workspace / ".git" / "lfs").mkdir()
    (workspace / "a.bin").write_bytes(content)
    assert listed(ask, shelf)["tides-3f2a"]["changes"] == 0
    (workspace / "a.bin").write_bytes(content[::-1])
    assert listed(ask, shelf)["tides-3f2a"]["changes"] == 1
    (workspace / "a.bin").write_bytes(content + b"more")
    assert listed(ask, shelf)["tides-3f2a"]["changes"] == 1


def test_size_and_last_change(ask: Ask, shelf: Shelf) -> None:
    workspace = shelf.workspace("tides-3f2a")
    before = listed(ask, shelf)["tides-3f2a"]
    (workspace / "data.bin").write_bytes(os.urandom(2**20))
    os.link(workspace / "data.bin", workspace / "same.bin")
    (workspace / "elsewhere").symlink_to("/usr")
    after = listed(ask, shelf)["tides-3f2a"]
    assert 2**20 <= after["size"] - before["size"] < 2**20 + 2**16
    assert after["whole"]
    later = time.time() + 1000
    os.utime(workspace / "data.bin", (later, later))
    assert listed(ask, shelf)["tides-3f2a"]["newest"] == pytest.approx(later, abs=1)


def test_what_is_no_repository_is_listed_without_one(ask: Ask, shelf: Shelf) -> None:
    (shelf.root / "notes").mkdir()
    broken = shelf.root / "broken" / "files"
    broken.mkdir(parents=True)
    (broken / ".git").write_text("gitdir: /etc\n")
    odd = shelf.workspace("odd")
    (odd / ".git" / "HEAD").unlink()
    os.mkfifo(odd / ".git" / "HEAD")
    linked = shelf.root / "linked"
    linked.mkdir()
    (linked / "files").symlink_to(shelf.origin)
    assert len(listed(ask, shelf)) == 4
    for found in listed(ask, shelf).values():
        assert (found["commit"], found["changes"], found["unshared"]) == (None, None, None)


def test_only_folders_of_the_root_itself_are_workspaces(ask: Ask, shelf: Shelf) -> None:
    shelf.workspace("tides-3f2a")
    (shelf.root / ".trash").mkdir()
    (shelf.root / "link").symlink_to("/etc")
    (shelf.root / "file").write_text("")
    assert list(listed(ask, shelf)) == ["tides-3f2a"]
    assert list(listed(ask, shelf, "tides-3f2a")) == ["tides-3f2a"]
    assert listed(ask, shelf, "../../origin") == {}
    answer = ask("workspaces", root=str(shelf.root / "not" / "there"), name="", measure=True)
    assert answer["workspaces"] == []
    assert 0 < answer["storage"]["used"] <= answer["storage"]["limit"]


def test_no_program_that_the_workspace_names_is_run(ask: Ask, shelf: Shelf, tmp_path: Path) -> None:
    workspace = shelf.workspace("tides-3f2a")
    trap = tmp_path / "trap"
    trap.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    trap.chmod(0o755)
    hooks = workspace / ".git" / "hooks"
    hooks.mkdir()
    (hooks / "post-index-change").symlink_to(trap)
    for key, value in (
        ("core.fsmonitor", str(trap)),
        ("core.sshCommand", str(trap)),
        ("filter.trap.clean", str(trap)),
        ("filter.trap.process", str(trap)),
        ("remote.origin.promisor", "true"),
        ("remote.origin.uploadpack", str(trap)),
    ):
        git(workspace, "config", key, value)
    (workspace / ".gitattributes").write_text("* filter=trap\n")
    (workspace / "README.md").write_text("mine\n")
    assert listed(ask, shelf)["tides-3f2a"]["changes"] == 2
    # With a configuration that is believed, a commit that is missing is fetched.
    (workspace / ".git" / "refs" / "heads" / "main").write_text("1" * 40 + "\n")
    assert listed(ask, shelf)["tides-3f2a"]["commit"] is None
    assert not (tmp_path / "ran").exists()


def test_nothing_is_written_by_a_look(ask: Ask, shelf: Shelf) -> None:
    workspace = shelf.workspace("tides-3f2a")
    (workspace / "README.md").touch()
    index = workspace / ".git" / "index"
    before = index.stat().st_mtime_ns, sorted(os.listdir(workspace / ".git"))
    listed(ask, shelf)
    assert (index.stat().st_mtime_ns, sorted(os.listdir(workspace / ".git"))) == before


def test_a_workspace_is_deleted_and_its_neighbours_stay(ask: Ask, shelf: Shelf) -> None:
    workspace, other = shelf.workspace("tides-3f2a"), shelf.workspace("waves-77ab")
    kept = shelf.root.parent / "kept.txt"
    kept.write_text("kept\n")
    (workspace / ".git" / "link").symlink_to(kept.parent)
    answer = ask("delete-workspace", root=str(shelf.root), name="tides-3f2a", force=False)
    assert answer == {"removed": True}
    assert not workspace.parent.exists()
    assert os.listdir(shelf.root / ".trash") == []
    assert kept.exists()
    assert list(listed(ask, shelf)) == [other.parent.name]


def test_what_is_nowhere_else_is_deleted_only_if_that_is_meant(ask: Ask, shelf: Shelf) -> None:
    workspace = shelf.workspace("tides-3f2a")
    (workspace / "mine.txt").write_text("mine\n")
    kind, words = refused(ask, shelf, "tides-3f2a")
    assert (kind, words[:22]) == ("unsaved", "1 changed or new files")
    (shelf.root / "notes").mkdir()
    assert refused(ask, shelf, "notes")[0] == "unsaved"
    assert (workspace / "mine.txt").exists()
    for name in ("tides-3f2a", "notes"):
        ask("delete-workspace", root=str(shelf.root), name=name, force=True)
    assert listed(ask, shelf) == {}


@pytest.mark.parametrize("name", ["", ".", "..", "../workspaces", ".trash", "link", "nobodys"])
def test_only_what_is_listed_is_deleted(name: str, ask: Ask, shelf: Shelf) -> None:
    shelf.workspace("tides-3f2a")
    (shelf.root / "link").symlink_to(shelf.workspace("waves-77ab").parent)
    with pytest.raises(AgentError) as error:
        ask("delete-workspace", root=str(shelf.root), name=name, force=True)
    assert error.value.kind == "gone"
    assert len(listed(ask, shelf)) == 2


def test_a_root_or_a_trash_that_leads_elsewhere_is_not_followed(ask: Ask, shelf: Shelf) -> None:
    elsewhere = shelf.root.parent / "elsewhere"
    (elsewhere / "documents").mkdir(parents=True)
    shelf.workspace("tides-3f2a")
    (shelf.root / ".trash").symlink_to(elsewhere)
    with pytest.raises(AgentError):
        ask("delete-workspace", root=str(shelf.root), name="tides-3f2a", force=True)
    (shelf.root.parent / "link").symlink_to(elsewhere)
    with pytest.raises(AgentError):
        ask("delete-workspace", root=str(shelf.root.parent / "link"), name="documents", force=True)
    assert os.listdir(elsewhere) == ["documents"]


def test_not_while_a_launch_makes_it_ready(ask: Ask, shelf: Shelf) -> None:
    shelf.workspace("tides-3f2a")
    with (shelf.root / "tides-3f2a" / ".files.lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert refused(ask, shelf, "tides-3f2a")[0] == "busy"
    ask("delete-workspace", root=str(shelf.root), name="tides-3f2a", force=False)
