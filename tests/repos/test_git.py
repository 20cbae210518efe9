"""Git against a real server: `git http-backend` behind a small HTTP server."""

from __future__ import annotations

import asyncio
import tarfile
from pathlib import Path

import pytest
from repos.forge import Forge, git

from hpcbinderhub.errors import NotFound, UserError
from hpcbinderhub.repos.git import GitCache
from hpcbinderhub.repos.guard import Guard
from hpcbinderhub.repos.spec import any_git


@pytest.fixture
def cache(tmp_path: Path) -> GitCache:
    (tmp_path / "cache").mkdir()
    return GitCache(tmp_path / "cache", 20, Guard(private=["127.0.0.0/8"]))


async def test_a_branch_becomes_a_commit_and_a_commit_stays_one(
    forge: Forge, cache: GitCache
) -> None:
    first = git(forge.work, "rev-parse", "HEAD")
    assert await cache.resolve(any_git(forge.url, "")) == first
    second = forge.commit("a.txt", "two")
    assert await cache.resolve(any_git(forge.url, "main")) == second
    assert await cache.resolve(any_git(forge.url, first)) == first


async def test_master_is_found_where_it_is_called_main(forge: Forge, cache: GitCache) -> None:
    head = git(forge.work, "rev-parse", "HEAD")
    assert await cache.resolve(any_git(forge.url, "master")) == head


async def test_an_annotated_tag_is_its_commit(forge: Forge, cache: GitCache) -> None:
    git(forge.work, "tag", "--annotate", "v1", "--message", "One")
    git(forge.work, "push", "--quiet", "--tags")
    assert await cache.resolve(any_git(forge.url, "v1")) == git(forge.work, "rev-parse", "HEAD")


async def test_a_bundle_clones_into_a_working_repository(
    forge: Forge, cache: GitCache, tmp_path: Path
) -> None:
    forge.commit("a.txt", "two")
    spec = any_git(forge.url, "main")
    commit = await cache.resolve(spec)
    await cache.fetch(spec, commit)
    await cache.bundle(spec.repo_url, spec.ref, commit, tmp_path / "content.bundle")
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", "--branch=main", "content.bundle", str(clone))
    assert (clone / "a.txt").read_text() == "two"
    assert git(clone, "rev-list", "--count", "HEAD") == "2"


async def test_an_old_commit_can_be_had_after_the_branch_moved(
    forge: Forge, cache: GitCache, tmp_path: Path
) -> None:
    old = git(forge.work, "rev-parse", "HEAD")
    forge.commit("a.txt", "two")
    spec = any_git(forge.url, old)
    await cache.fetch(spec, await cache.resolve(spec))
    await cache.archive(forge.url, old, tmp_path / "tree.tar")
    with tarfile.open(tmp_path / "tree.tar") as tree:
        content = tree.extractfile("a.txt")
        assert content is not None
        assert content.read() == b"one"


async def test_what_is_not_pushed_is_said(forge: Forge, cache: GitCache) -> None:
    plain = forge.commit("README.md", "nothing special\n")
    forge.commit("data/.gitattributes", "*.h5 filter=lfs diff=lfs merge=lfs -text\n")
    git(forge.work, "update-index", "--add", "--cacheinfo", f"160000,{plain},sub/module")
    git(forge.work, "commit", "--quiet", "--message", "A submodule")
    git(forge.work, "push", "--quiet", "--all")
    both = git(forge.work, "rev-parse", "HEAD")
    for commit in (plain, both):
        await cache.fetch(any_git(forge.url, ""), commit)
    assert await cache.not_pushed(forge.url, plain) == []
    assert await cache.not_pushed(forge.url, both) == [
        "Submodules are not pushed: sub/module. A launch fetches those that have a public address "
        "of their own.",
        "Files in Git LFS are not pushed: you find the pointers to them in your workspace.",
    ]


async def test_one_file_is_shown_as_the_commit_has_it(forge: Forge, cache: GitCache) -> None:
    old = forge.commit("notes/a b.md", "Grüße\n")
    forge.commit("notes/a b.md", "changed\n")
    await cache.fetch(any_git(forge.url, ""), old)
    assert await cache.show(forge.url, old, "notes/a b.md", 100) == "Grüße\n"
    with pytest.raises(UserError, match="too large to be shown here: 8 bytes"):
        await cache.show(forge.url, old, "notes/a b.md", 7)
    for nothing in ("notes", "nope", "../HEAD", "/etc/passwd", "--help"):
        with pytest.raises(NotFound, match="has no file"):
            await cache.show(forge.url, old, nothing, 100)


async def test_two_fetches_at_once_are_one(forge: Forge, cache: GitCache) -> None:
    spec = any_git(forge.url, "main")
    commit = await cache.resolve(spec)
    await asyncio.gather(*(cache.fetch(spec, commit) for _ in range(4)))
    assert await cache.tree(spec.repo_url, commit) == git(forge.work, "rev-parse", "HEAD^{tree}")


@pytest.mark.parametrize(
    ("path", "ref", "sentence"),
    [
        ("nothing-here.git", "", "is not a Git repository"),
        ("private/repo.git", "", "is private, or does not exist"),
        ("repo.git", "no-such-branch", "has no branch, tag or commit “no-such-branch”"),
    ],
)
async def test_what_cannot_be_had_is_said(
    forge: Forge, cache: GitCache, path: str, ref: str, sentence: str
) -> None:
    with pytest.raises(UserError) as refused:
        await cache.resolve(any_git(forge.url.replace("repo.git", path), ref))
    assert sentence in refused.value.message
    assert refused.value.advice


async def test_a_commit_that_is_not_there_is_said(forge: Forge, cache: GitCache) -> None:
    with pytest.raises(UserError, match="has no commit 0123456789ab"):
        await cache.fetch(any_git(forge.url, "main"), "0123456789abcdef" * 2 + "01234567")


async def test_a_host_that_is_not_there_is_said(cache: GitCache) -> None:
    with pytest.raises(UserError, match="cannot be reached from here"):
        await cache.resolve(any_git("http://127.0.0.1:9/repo.git", ""))
