"""The workspace: made once from the hub's bundle, whole or not at all, and hers from then on."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest
from compute_node import Launch, Node, git, until


def test_a_branch_becomes_a_local_branch_that_follows_its_origin(node: Node) -> None:
    node.launch().run()
    status = git(node.workspace, "status", "--branch", "--porcelain")
    assert status == "## main...origin/main"
    assert git(node.workspace, "remote", "get-url", "origin") == "https://example.org/soundings.git"


@pytest.mark.parametrize("ref", ["--upload-pack=x", "feature/δ", "a.b=c", "-c"])
def test_a_branch_may_have_any_name_that_git_allows(node: Node, ref: str) -> None:
    launch = node.launch()
    launch.grant["content"]["ref"] = ref
    node.hub.replies["/content"] = [(200, node.origin.bundle(f"refs/heads/{ref}"))]
    assert launch.run().code == 0
    assert git(node.workspace, "symbolic-ref", "HEAD") == f"refs/heads/{ref}"
    assert git(node.workspace, "rev-parse", "HEAD") == node.origin.commit


@pytest.mark.parametrize(
    "ref", ["two words", "v1.0", "--upload-pack=x", "../../hooks", "", "@{-1}"]
)
def test_what_is_no_branch_in_the_bundle_is_checked_out_detached(node: Node, ref: str) -> None:
    launch = node.launch()
    launch.grant["content"]["ref"] = ref
    node.hub.replies["/content"] = [(200, node.origin.bundle("refs/hpcbinder/commit"))]
    assert launch.run().code == 0
    assert git(node.workspace, "rev-parse", "--abbrev-ref", "HEAD") == "HEAD"
    assert git(node.workspace, "rev-parse", "HEAD") == node.origin.commit


@pytest.mark.parametrize("url", ["--upload-pack=touch x", "ext::sh -c 'touch x'", 'a "b"\n\\c', ""])
def test_the_origins_address_is_only_written_down(node: Node, url: str) -> None:
    launch = node.launch()
    launch.grant["content"]["repo_url"] = url
    assert launch.run().code == 0
    assert git(node.workspace, "config", "remote.origin.url") == url.strip()
    assert not (node.workspace / "x").exists()


def test_the_whole_history_comes_along(node: Node) -> None:
    first = node.origin.commit
    node.origin.add({"more.txt": b"more\n"})
    node.hub.replies["/content"] = [(200, node.origin.bundle())]
    node.launch().run()
    assert git(node.workspace, "rev-list", "HEAD").split()[-1] == first


def test_her_work_is_never_touched(node: Node) -> None:
    node.generate("made.csv", b"1,2\n")
    assert node.launch().run().code == 0
    readme = node.workspace / "README.md"
    readme.write_text("mine\n")
    (node.workspace / "data" / "README").unlink()
    (node.workspace / "made.csv").unlink()
    before = git(node.workspace, "status", "--porcelain")

    node.origin.add({"README.md": b"theirs\n"})
    node.hub.replies["/content"] = [(200, node.origin.bundle())]
    again = node.launch("second")
    again.grant["content"]["commit"] = node.origin.commit
    node.hub.replies["/claim"] = [(200, again.grant)]
    outcome = again.run()

    assert outcome.code == 0
    assert readme.read_text() == "mine\n"
    assert git(node.workspace, "status", "--porcelain") == before
    assert not (node.workspace / "made.csv").exists()
    assert f"it is at commit {git(node.workspace, 'rev-parse', 'HEAD')[:12]}" in outcome.log
    assert len(node.hub.asked("/content")) == 1


def test_a_workspace_that_is_no_repository_any_more_is_used_all_the_same(node: Node) -> None:
    node.workspace.mkdir(parents=True)
    (node.workspace / "notes.txt").write_text("mine\n")
    outcome = node.launch().run()
    assert outcome.started["cwd"] == str(node.workspace)
    assert "git cannot tell at which commit it is" in outcome.log
    assert os.listdir(node.workspace) == ["notes.txt"]


def test_something_in_the_workspaces_place_is_left_there(node: Node) -> None:
    node.workspace.parent.mkdir()
    node.workspace.symlink_to("/nowhere")
    outcome = node.launch().run()
    assert outcome.code == 5
    assert "is in the way: it is not a directory. Rename it" in outcome.log
    assert node.workspace.is_symlink()


def test_storage_that_cannot_be_used_is_named(node: Node) -> None:
    node.workspace.parent.write_text("a file of hers\n")
    outcome = node.launch().run()
    assert outcome.code == 5
    assert f"{node.workspace.parent} cannot be used (File exists). See to it" in outcome.log


def test_two_launches_at_once_make_one_workspace(node: Node) -> None:
    node.hub.gate.clear()
    first, second = node.launch("first"), node.launch("second")
    node.hub.replies["/claim"] = [(200, first.grant), (200, second.grant)]
    running = first.begin()
    until(lambda: node.hub.asked("/content"))
    waiting = second.begin()
    second.wait_for("Another launch of yours is preparing this workspace.")
    node.hub.gate.set()

    one, other = first.end(running), second.end(waiting)
    assert one.started["cwd"] == other.started["cwd"] == str(node.workspace)
    assert "Making your workspace" in one.log
    assert "Reusing your workspace" in other.log
    assert len(node.hub.asked("/content")) == 1


@pytest.mark.slow
def test_many_launches_at_once_make_one_workspace(node: Node) -> None:
    launches = [node.launch(str(number)) for number in range(6)]
    node.hub.replies["/claim"] = [(200, launch.grant) for launch in launches]
    processes = [launch.begin() for launch in launches]
    # Which ticket gets which grant is left to chance, and with it whose report is written.
    assert [process.wait(60) for process in processes] == [0] * 6
    assert all(launch.reported() for launch in launches)
    assert git(node.workspace, "status", "--porcelain") == ""
    assert len(node.hub.asked("/content")) == 1


def test_a_crash_leaves_nothing_half(node: Node) -> None:
    node.hub.gate.clear()
    crashed = node.launch("first")
    process = crashed.begin()
    until(lambda: node.hub.asked("/content"))
    process.send_signal(signal.SIGKILL)
    process.wait()
    node.hub.gate.set()
    # As if it had come further than it did.
    partial = node.workspace.with_name(f".{node.workspace.name}.partial")
    (partial / ".git").mkdir(parents=True)
    (partial / "README.md").write_text("half\n")
    assert not node.workspace.exists()

    again = node.launch("second")
    node.hub.replies["/claim"] = [(200, again.grant)]
    assert again.run().code == 0
    assert (node.workspace / "README.md").read_text() == "# Soundings\n"
    assert not partial.exists()


def test_an_image_without_git_is_told_what_to_add(node: Node) -> None:
    node.image_env["PATH"] = f"{node.image}/bin"
    outcome = node.launch().run()
    assert outcome.code == 5
    assert "The image has no git" in outcome.log
    assert "Add git to the environment of the repository" in outcome.log
    assert not node.workspace.exists()


def test_a_bundle_without_the_commit_is_refused(node: Node) -> None:
    launch = node.launch()
    launch.grant["content"]["commit"] = "0123456789" * 4
    outcome = launch.run()
    assert outcome.code == 5
    assert "git update-ref failed" in outcome.log
    assert not node.workspace.exists()


@pytest.mark.parametrize("body", [b"", b"<html>Sign in</html>", b"# v2 git bundle\n\nPACK"])
def test_what_is_no_bundle_is_refused_in_gits_words(node: Node, body: bytes) -> None:
    node.hub.replies["/content"] = [(200, body)]
    outcome = node.launch().run()
    assert outcome.code == 5
    assert "git bundle failed: " in outcome.log
    assert not node.workspace.exists()


def test_no_hook_filter_or_template_of_hers_runs(node: Node, tmp_path: Path) -> None:
    home = tmp_path / "real-home"
    hooks = home / "template" / "hooks"
    hooks.mkdir(parents=True)
    for name in ("post-checkout", "reference-transaction", "post-index-change"):
        (hooks / name).write_text(f"#!/bin/sh\ntouch {home}/hook-ran\n")
        (hooks / name).chmod(0o755)
    (home / ".gitconfig").write_text(
        f"[init]\n templateDir = {home}/template\n[core]\n hooksPath = {hooks}\n"
        f'[filter "trap"]\n smudge = touch {home}/filter-ran\n required = true\n'
    )
    node.origin.add({".gitattributes": b"* filter=trap\n"})
    node.hub.replies["/content"] = [(200, node.origin.bundle())]
    job = {"HOME": str(home), "XDG_CONFIG_HOME": str(home), "GIT_DIR": "/nowhere"}
    job["GIT_CONFIG_GLOBAL"] = str(home / ".gitconfig")
    node.image_env["GIT_TEMPLATE_DIR"] = str(home / "template")
    assert node.launch().run(job).code == 0
    assert sorted(os.listdir(home)) == [".gitconfig", "template"]
    assert not (node.workspace / ".git" / "hooks").exists()


def small_storage(launch: Launch) -> list[str]:
    """A command that runs another with room for half a megabyte of workspaces."""
    workspaces = launch.node.workspace.parent
    workspaces.mkdir()
    mount = 'mount -t tmpfs -o size=512k tmpfs "$0" && exec "$@"'
    inside = ["unshare", "--map-root-user", "--mount", "sh", "-c", mount, str(workspaces)]
    if not shutil.which("unshare") or subprocess.run([*inside, "true"]).returncode:
        pytest.skip("this machine lets nobody mount a small file system")
    return inside


def test_a_full_disk_at_the_checkout_is_named(node: Node) -> None:
    node.origin.add({"noise.bin": os.urandom(2**20)})
    node.hub.replies["/content"] = [(200, node.origin.bundle())]
    launch = node.launch()
    outcome = launch.run(inside=small_storage(launch))
    assert outcome.code == 6
    assert f"Your storage at {node.workspace.parent} is full. Free some space" in outcome.log


def test_a_full_disk_at_the_generated_files_is_named(node: Node) -> None:
    node.generate("noise.bin", os.urandom(2**20))
    launch = node.launch()
    outcome = launch.run(inside=small_storage(launch))
    assert outcome.code == 6
    assert "is full. Free some space" in outcome.log
