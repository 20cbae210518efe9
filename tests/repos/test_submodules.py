"""Submodules, fetched from a real server as far as everybody may read them."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest
from repos.forge import Forge, git

from hpcbinderhub.errors import UserError
from hpcbinderhub.launches.content import ContentStore
from hpcbinderhub.repos.forges import Forges
from hpcbinderhub.repos.git import GitCache
from hpcbinderhub.repos.guard import Guard
from hpcbinderhub.repos.lfs import Lfs
from hpcbinderhub.repos.records.records import Records
from hpcbinderhub.repos.repositories import Repositories
from hpcbinderhub.repos.submodules import LeftOut, address, by_path
from hpcbinderhub.repos.web import Web
from hpcbinderhub.repos.whole import WholeTrees


@pytest.fixture
def content(tmp_path: Path) -> ContentStore:
    for name in ("cache", "content"):
        (tmp_path / name).mkdir()
    guard = Guard(private=["127.0.0.1/32"])
    cache, web = GitCache(tmp_path / "cache", 20, guard), Web(guard)
    repositories = Repositories(cache, Forges(web), Records(cache, web, 10**6))
    return ContentStore(repositories, WholeTrees(cache, Lfs(web), 1000), tmp_path / "content")


class Project:
    """A repository with others on the same server in it."""

    def __init__(self, forge: Forge):
        self.forge = forge
        self._modules = ""

    def other(self, name: str, files: dict[str, str]) -> str:
        """Serve another repository; its commit."""
        served, work = self.forge.work.parent / f"served/{name}.git", self.forge.work.parent / name
        git(self.forge.work, "init", "--quiet", "--bare", "--initial-branch=main", str(served))
        git(self.forge.work, "clone", "--quiet", str(served), str(work))
        for path, text in files.items():
            (work / path).write_text(text)
        git(work, "add", "--all")
        git(work, "commit", "--quiet", "--message", "All")
        git(work, "push", "--quiet", "origin", "HEAD:main")
        return git(work, "rev-parse", "HEAD")

    def add(self, path: str, url: str, commit: str) -> None:
        """Have a submodule at a path."""
        self._modules += f'[submodule "{path}"]\n\tpath = {path}\n\turl = {url}\n'
        git(self.forge.work, "update-index", "--add", "--cacheinfo", f"160000,{commit},{path}")

    def commit(self) -> str:
        """The commit that has them all."""
        (self.forge.work / ".gitmodules").write_text(self._modules)
        git(self.forge.work, "add", ".gitmodules")
        git(self.forge.work, "commit", "--quiet", "--message", "Submodules")
        git(self.forge.work, "push", "--quiet", "--all")
        return git(self.forge.work, "rev-parse", "HEAD")


@pytest.fixture
def project(forge: Forge) -> Project:
    return Project(forge)


def names(archive: Path) -> set[str]:
    with tarfile.open(archive) as tar:
        return {member.name for member in tar if member.isfile()}


async def test_submodules_and_theirs_are_part_of_the_whole_tree(
    project: Project, content: ContentStore
) -> None:
    inner = project.other("inner", {"deep.txt": "deep"})
    project.other("outer", {"lib.py": "lib"})
    work = project.forge.work.parent / "outer"
    (work / ".gitmodules").write_text('[submodule "x"]\n\tpath = sub/inner\n\turl = ../inner.git\n')
    git(work, "update-index", "--add", "--cacheinfo", f"160000,{inner},sub/inner")
    git(work, "add", ".gitmodules")
    git(work, "commit", "--quiet", "--message", "Inner")
    git(work, "push", "--quiet", "origin", "HEAD:main")
    project.add("libs/outer", "../outer.git", git(work, "rev-parse", "HEAD"))
    commit = project.commit()
    archive, left_out = await content.archive(project.forge.url, "main", commit, None)
    assert left_out == []
    files = {"a.txt", ".gitmodules", "libs/outer/lib.py", "libs/outer/.gitmodules"}
    assert names(archive) == files | {"libs/outer/sub/inner/deep.txt"}
    assert await content.archive(project.forge.url, "main", commit, None) == (archive, [])


async def test_what_is_not_for_everybody_or_not_allowed_is_left_out_and_said(
    project: Project, content: ContentStore
) -> None:
    some = project.other("some", {"x.txt": "x"})
    url = project.forge.url
    project.add("inside", url.replace("127.0.0.1", "127.0.0.2"), some)
    project.add("private", url.replace("/repo.git", "/private/some.git"), some)
    project.add("file", f"file://{project.forge.work}", some)
    project.add("local", str(project.forge.work), some)
    project.add("gone", "../some.git", "0123456789" * 4)
    project.add("command", "ext::sh -c id", some)
    commit = project.commit()
    project.forge.tokens.add("secret")
    archive, left_out = await content.archive(url, "main", commit, None)
    assert names(archive) == {"a.txt", ".gitmodules"}
    told = {sentence.split()[2]: sentence for sentence in left_out}
    assert told.keys() == {"inside", "private", "file", "local", "gone", "command"}
    assert "inside a network" in told["inside"]
    assert "is private, or does not exist" in told["private"]
    assert "no address" in told["file"]
    assert "has no commit" in told["gone"]


async def test_a_server_that_does_not_answer_is_no_reason_to_do_without(
    project: Project, content: ContentStore
) -> None:
    project.add("down", "http://127.0.0.1:9/x.git", "0123456789" * 4)
    commit = project.commit()
    with pytest.raises(UserError, match="cannot be reached"):
        await content.archive(project.forge.url, "main", commit, None)


@pytest.mark.parametrize(
    ("url", "whole"),
    [
        ("../lib.git", "https://h.org/a/lib.git"),
        ("../../b/lib", "https://h.org/b/lib"),
        ("./lib", "https://h.org/a/repo/lib"),
        ("https://other.org/x", "https://other.org/x"),
        ("git@github.com:org/lib.git", "https://github.com/org/lib.git"),
    ],
)
def test_where_a_submodule_is(url: str, whole: str) -> None:
    assert address(url, "https://h.org/a/repo/") == whole


@pytest.mark.parametrize(
    "url", ["../../../../x", "", "/srv/x", "file:///x", "git@h.org:x", "--upload-pack=x", "ext::x"]
)
def test_what_is_no_address_of_one(url: str) -> None:
    with pytest.raises(LeftOut):
        address(url, "https://h.org/a/repo")


def test_the_configuration_as_git_tells_it() -> None:
    told = "submodule.a.b.path\nlibs/a\0submodule.a.b.url\n../a\0submodule.c.path\nc\0"
    assert by_path(told) == {"libs/a": ("a.b", "../a")}
