"""A workspace that is there and a commit that is newer: forward if she said so, and at no cost."""

from __future__ import annotations

import os

import pytest
from compute_node import Launch, Node, Outcome, git


def launched(node: Node, ref: str = "main", existing: str = "update") -> tuple[Launch, Outcome]:
    """A launch of the origin's newest commit."""
    launch = node.launch(f"launch-{len(node.hub.requests)}")
    launch.grant["content"] |= {"commit": node.origin.commit, "ref": ref, "existing": existing}
    branch = "main" if ref == "main" else "hpcbinder"
    node.hub.replies["/content"] = [(200, node.origin.bundle(f"refs/heads/{branch}"))]
    node.hub.replies["/claim"] = [(200, launch.grant)]
    return launch, launch.run()


def told(node: Node) -> str:
    """What the hub was told for the owner by the last launch."""
    return str(node.hub.asked("/ready")[-1].body["notice"])


def is_kept(node: Node, head: str) -> bool:
    return git(node.workspace, "rev-parse", "HEAD") == head


def test_a_clean_workspace_goes_to_the_new_commit(node: Node) -> None:
    launched(node)
    new = node.origin.add({"README.md": b"# Soundings, twice\n", "more/deep.txt": b"more\n"})
    launch, outcome = launched(node)
    assert outcome.code == 0
    assert "Updated your workspace" in outcome.log
    assert told(node) == ""
    assert git(node.workspace, "status", "--branch", "--porcelain") == "## main...origin/main"
    assert git(node.workspace, "rev-parse", "HEAD") == new
    assert git(node.workspace, "rev-parse", "refs/hpcbinder/launched") == new
    assert (node.workspace / "more" / "deep.txt").read_text() == "more\n"
    assert (node.workspace / "more").stat().st_mode & 0o777 == 0o755
    assert not (launch.directory / "content.bundle").exists()


def test_without_a_word_of_hers_it_stays(node: Node) -> None:
    launched(node)
    old = git(node.workspace, "rev-parse", "HEAD")
    node.origin.add({"more.txt": b"more\n"})
    for existing in ("keep", "beside"):
        _, outcome = launched(node, existing=existing)
        assert outcome.code == 0
        assert is_kept(node, old)
        assert told(node) == ""
    assert len(node.hub.asked("/content")) == 1


def test_a_detached_commit_goes_forward_too(node: Node) -> None:
    launched(node, ref="v1.0")
    new = node.origin.add({"more.txt": b"more\n"})
    launched(node, ref="v1.1")
    assert git(node.workspace, "rev-parse", "--abbrev-ref", "HEAD") == "HEAD"
    assert is_kept(node, new)


def test_what_is_hers_and_not_in_the_way_comes_along(node: Node) -> None:
    launched(node)
    (node.workspace / "notes.txt").write_text("mine\n")
    (node.workspace / "data" / "README").write_text("mine\n")
    new = node.origin.add({"README.md": b"theirs\n"})
    launched(node)
    assert is_kept(node, new)
    assert (node.workspace / "notes.txt").read_text() == "mine\n"
    assert (node.workspace / "data" / "README").read_text() == "mine\n"


@pytest.mark.parametrize("way", ["changed", "staged", "new", "ignored", "made by the build"])
def test_nothing_of_hers_is_overwritten(node: Node, way: str) -> None:
    if way == "made by the build":
        node.generate("mine.txt", b"mine\n")
    launched(node)
    old = git(node.workspace, "rev-parse", "HEAD")
    hers = node.workspace / ("README.md" if way in ("changed", "staged") else "mine.txt")
    hers.write_text("mine\n")
    if way == "staged":
        git(node.workspace, "add", "README.md")
    if way == "ignored":
        (node.workspace / ".git" / "info").mkdir(exist_ok=True)
        (node.workspace / ".git" / "info" / "exclude").write_text("mine.txt\n")
    before = git(node.workspace, "status", "--porcelain")
    node.origin.add({"README.md": b"theirs\n", "mine.txt": b"theirs\n", "a.txt": b"theirs\n"})

    _, outcome = launched(node)
    assert outcome.code == 0
    assert is_kept(node, old)
    assert hers.read_text() == "mine\n"
    assert git(node.workspace, "status", "--porcelain") == before
    assert told(node).startswith("Your workspace was not updated to ")
    assert "is as you left it: " in told(node)
    assert told(node).isprintable()
    assert told(node) in outcome.log


def test_commits_of_her_own_are_not_merged(node: Node) -> None:
    launched(node)
    (node.workspace / "mine.txt").write_text("mine\n")
    git(node.workspace, "add", "--all")
    git(node.workspace, "commit", "--quiet", "--message", "Mine")
    mine = git(node.workspace, "rev-parse", "HEAD")
    node.origin.add({"theirs.txt": b"theirs\n"})
    launched(node)
    assert is_kept(node, mine)
    assert "fast-forward" in told(node)


def test_a_branch_of_her_own_is_not_moved(node: Node) -> None:
    launched(node)
    git(node.workspace, "checkout", "--quiet", "-b", "mine")
    old = git(node.workspace, "rev-parse", "HEAD")
    node.origin.add({"theirs.txt": b"theirs\n"})
    launched(node)
    assert is_kept(node, old)
    assert told(node).endswith("mine is checked out")


def test_hooks_and_programs_of_the_workspace_do_not_run(node: Node) -> None:
    launched(node)
    hooks = node.workspace / ".git" / "hooks"
    hooks.mkdir()
    for name in ("post-merge", "post-checkout", "reference-transaction"):
        (hooks / name).write_text(f"#!/bin/sh\ntouch {node.root}/ran-{name}\n")
        (hooks / name).chmod(0o755)
    git(node.workspace, "config", "core.fsmonitor", f"touch {node.root}/ran-monitor")
    new = node.origin.add({"more.txt": b"more\n"})
    launched(node)
    assert is_kept(node, new)
    assert not [name for name in os.listdir(node.root) if name.startswith("ran-")]
