"""Files in Git LFS, from a server that speaks its batch API."""

from __future__ import annotations

import hashlib
import tarfile
from pathlib import Path

import pytest
from repos.forge import Forge

from hpcbinderhub.errors import UserError
from hpcbinderhub.repos.git import GitCache
from hpcbinderhub.repos.guard import Guard
from hpcbinderhub.repos.lfs import Lfs, Pointer, endpoint, pointer
from hpcbinderhub.repos.spec import any_git
from hpcbinderhub.repos.web import Web
from hpcbinderhub.repos.whole import WholeTrees

LIMIT = 1000


def stored(forge: Forge, content: bytes, told: int | None = None) -> str:
    """The pointer to something that the server has."""
    oid = hashlib.sha256(content).hexdigest()
    forge.objects[oid] = content
    size = len(content) if told is None else told
    return f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {size}\n"


def data(forge: Forge, files: dict[str, str]) -> str:
    """A commit in which these are what LFS looks after."""
    for name, text in files.items():
        (forge.work / name).write_text(text)
    return forge.commit(".gitattributes", "*.bin filter=lfs diff=lfs merge=lfs -text\n")


async def unpacked(tmp_path: Path, forge: Forge, commit: str) -> tuple[dict[str, bytes], list[str]]:
    """What a builder has of a commit, and what is said to be missing."""
    guard = Guard(private=["127.0.0.0/8"])
    (tmp_path / "cache").mkdir()
    cache = GitCache(tmp_path / "cache", 20, guard)
    await cache.fetch(any_git(forge.url, "main"), commit)
    trees = WholeTrees(cache, Lfs(Web(guard)), LIMIT)
    left_out = await trees.write(forge.url, commit, None, tmp_path / "whole.tar")
    with tarfile.open(tmp_path / "whole.tar") as archive:
        files = {}
        for member in archive:
            content = archive.extractfile(member)
            if content is not None:
                files[member.name] = content.read()
    return files, left_out


async def test_a_pointer_becomes_what_it_stands_for(forge: Forge, tmp_path: Path) -> None:
    content = b"\0measured\xff" * 5
    commit = data(forge, {"a.bin": stored(forge, content), "same.bin": stored(forge, content)})
    files, left_out = await unpacked(tmp_path, forge, commit)
    assert (files["a.bin"], files["same.bin"], files["a.txt"]) == (content, content, b"one")
    assert left_out == []


async def test_what_the_server_does_not_have_stays_a_pointer(forge: Forge, tmp_path: Path) -> None:
    lost, there = stored(forge, b"lost"), stored(forge, b"there")
    del forge.objects[hashlib.sha256(b"lost").hexdigest()]
    commit = data(forge, {"lost.bin": lost, "there.bin": there})
    files, left_out = await unpacked(tmp_path, forge, commit)
    assert (files["lost.bin"], files["there.bin"]) == (lost.encode(), b"there")
    (sentence,) = left_out
    assert sentence.startswith("Files in Git LFS are not fetched: lost.bin. Its server does not")


async def test_what_is_too_large_is_not_fetched(forge: Forge, tmp_path: Path) -> None:
    large = stored(forge, b"x" * (LIMIT + 1))
    files, left_out = await unpacked(tmp_path, forge, data(forge, {"large.bin": large}))
    assert files["large.bin"] == large.encode()
    assert "not fetched: large.bin. They have" in left_out[0]


async def test_what_is_not_what_the_commit_says_is_refused(forge: Forge, tmp_path: Path) -> None:
    commit = data(forge, {"a.bin": stored(forge, b"right")})
    forge.objects[hashlib.sha256(b"right").hexdigest()] = b"wrong"
    with pytest.raises(UserError, match="not what the commit says"):
        await unpacked(tmp_path, forge, commit)


async def test_a_server_that_sends_more_than_it_said_is_cut_off(
    forge: Forge, tmp_path: Path
) -> None:
    commit = data(forge, {"a.bin": stored(forge, b"y" * 5000, told=10)})
    with pytest.raises(UserError, match="broke off, or sent more"):
        await unpacked(tmp_path, forge, commit)


def test_what_is_a_pointer() -> None:
    text = "version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize {}\n"
    assert pointer(text.format("a" * 64, 12).encode()) == Pointer("a" * 64, 12)
    for other in (text.format("../x", 12), text.format("a" * 64, -1), "size 1", ""):
        assert pointer(other.encode()) is None
    assert pointer(None) is None


def test_where_a_server_answers() -> None:
    for url in ("https://h.org/a/b", "https://h.org/a/b.git"):
        assert endpoint(url) == "https://h.org/a/b.git/info/lfs/objects/batch"
