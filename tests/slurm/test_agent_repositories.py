"""Repositories on shared storage, read by the real agent: whose commands are never run."""

from __future__ import annotations

import io
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from repos.forge import git
from service.agent_here import AgentHere

from hpcbinderhub.slurm.framing import AgentError


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A clone below the one directory that the site reads."""
    root = tmp_path / "scratch"
    root.mkdir()
    git(root, "init", "--quiet", "--initial-branch=main", "work")
    for text in ("one", "two"):
        (root / "work" / "a.txt").write_text(text)
        git(root / "work", "add", "--all")
        git(root / "work", "commit", "--quiet", "--message", text)
    git(root / "work", "tag", "--annotate", "v1", "--message", "One", "HEAD~1")
    return root / "work"


async def ask(path: Path, operation: str, root: Path | None = None, **more: Any) -> Any:
    """The agent's answer about a repository, and the data beside it."""
    data = io.BytesIO()
    request = {
        "op": f"repository-{operation}",
        "repository": str(path),
        "roots": [str(root or path.parent)],
        "path": os.environ["PATH"].split(":"),
        "limit": 2**20,
    }
    answer = await AgentHere().call("alice", request | more, data)
    return answer, data.getvalue()


async def commit(path: Path, *names: str, root: Path | None = None) -> str:
    answer, _ = await ask(path, "commit", root, names=names or ["HEAD"])
    return str(answer["commit"])


async def content(path: Path, tmp_path: Path) -> str:
    """What `a.txt` says in a clone of the bundle of HEAD."""
    answer, bundle = await ask(path, "bundle", commit=await commit(path))
    assert answer == {"bytes": len(bundle)}
    (tmp_path / "bundle").write_bytes(bundle)
    shutil.rmtree(tmp_path / "got", ignore_errors=True)
    git(tmp_path, "clone", "--quiet", "bundle", "got")
    return (tmp_path / "got" / "a.txt").read_text()


def everything(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


async def test_names_become_commits(work: Path) -> None:
    head, first = git(work, "rev-parse", "HEAD"), git(work, "rev-parse", "HEAD~1")
    assert await commit(work) == await commit(work, "refs/heads/main") == head
    assert await commit(work, "refs/heads/v1", "refs/tags/v1") == first
    assert await commit(work, first[:8]) == await commit(work, first) == first
    assert await commit(work, "refs/heads/nothing", "f" * 40, "--all") == ""
    git(work, "pack-refs", "--all")
    git(work, "checkout", "--quiet", "--detach", first)
    assert await commit(work) == first
    assert await commit(work, "refs/heads/main") == head


async def test_a_commit_becomes_a_bundle_and_nothing_is_written(work: Path, tmp_path: Path) -> None:
    before = everything(work)
    assert await content(work, tmp_path) == "two"
    assert everything(work) == before


async def test_bare_repositories_and_worktrees_are_read_as_well(work: Path, tmp_path: Path) -> None:
    git(work.parent, "clone", "--quiet", "--bare", "work", "bare.git")
    assert await content(work.parent / "bare.git", tmp_path) == "two"
    git(work, "worktree", "add", "--quiet", "../tree", "HEAD~1")
    assert await content(work.parent / "tree", tmp_path) == "one"
    git(work.parent, "clone", "--quiet", "--shared", "work", "borrower")
    assert await content(work.parent / "borrower", tmp_path) == "two"


async def test_no_command_of_the_repositorys_owner_is_run(work: Path, tmp_path: Path) -> None:
    trap = tmp_path / "trap"
    trap.write_text(f"#!/bin/sh\ntouch {tmp_path}/sprung\n")
    trap.chmod(0o755)
    for setting in (
        "core.fsmonitor", "core.sshCommand", "core.alternateRefsCommand", "core.pager",
        "core.askPass", "uploadpack.packObjectsHook", "gpg.program", "alias.bundle",
        "remote.origin.uploadpack", "credential.helper",
    ):  # fmt: skip
        git(work, "config", setting, str(trap))
    git(work, "config", "core.hooksPath", str(tmp_path))
    # What is missing would be fetched by a command of theirs.
    git(work, "config", "remote.origin.url", f"ext::{trap}")
    git(work, "config", "remote.origin.promisor", "true")
    git(work, "config", "extensions.partialClone", "origin")
    git(work, "config", "protocol.ext.allow", "always")
    for hook in ("reference-transaction", "post-checkout", "post-index-change"):
        shutil.copy(trap, work / ".git/hooks" / hook)
    assert await content(work, tmp_path) == "two"
    blob = git(work, "rev-parse", "HEAD:a.txt")
    (work / ".git/objects" / blob[:2] / blob[2:]).unlink()
    with pytest.raises(AgentError):
        await content(work, tmp_path)
    assert not (tmp_path / "sprung").exists()
    git(work, "status")
    assert (tmp_path / "sprung").exists(), "who runs Git there falls into it"


async def test_nobodys_own_settings_matter(
    work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".gitconfig").write_text("[core]\n\tbroken = [\n[safe]\n\tdirectory =\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    answer, _ = await ask(work, "commit", names=["HEAD"])
    assert len(answer["commit"]) == 40


async def test_what_lies_outside_is_not_read_whatever_leads_there(
    work: Path, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    git(tmp_path, "clone", "--quiet", str(work), "outside")
    root = work.parent
    (root / "link").symlink_to(outside)
    (root / "file").mkdir()
    (root / "file" / ".git").write_text(f"gitdir: {outside}/.git\n")
    (root / "common").mkdir()
    shutil.copytree(work / ".git", root / "common" / ".git")
    (root / "common" / ".git" / "commondir").write_text(f"{outside}/.git\n")
    for place in (outside, root / "link", root / "file", root / "common", root / ".." / "outside"):
        with pytest.raises(AgentError, match="leads to somewhere else"):
            await commit(place, root=root)


async def test_what_cannot_be_read_is_explained(work: Path) -> None:
    with pytest.raises(AgentError, match="is not a Git repository"):
        await commit(work.parent / "nothing")
    git(work.parent, "clone", "--quiet", "--depth=1", work.as_uri(), "shallow")
    with pytest.raises(AgentError, match="git fetch --unshallow"):
        await commit(work.parent / "shallow")
    (work / "noise.bin").write_bytes(os.urandom(1000))
    git(work, "add", "--all")
    git(work, "commit", "--quiet", "--message", "Noise")
    with pytest.raises(AgentError, match="more than 0 MiB"):
        await ask(work, "bundle", commit=git(work, "rev-parse", "HEAD"), limit=1000)


async def test_what_is_no_file_does_not_hold_the_agent_up(work: Path) -> None:
    (work / ".git/HEAD").unlink()
    os.mkfifo(work / ".git/HEAD")
    with pytest.raises(AgentError, match="is not a Git repository"):
        await commit(work)
