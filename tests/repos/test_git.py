"""Git against a real server: `git http-backend` behind a small HTTP server."""

from __future__ import annotations

import asyncio
import http.server
import os
import subprocess
import tarfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from hpcbinderhub.errors import UserError
from hpcbinderhub.repos.git import GitCache
from hpcbinderhub.repos.spec import any_git


@dataclass
class Forge:
    """A Git server with one repository."""

    url: str
    work: Path

    def commit(self, name: str, text: str) -> str:
        (self.work / name).parent.mkdir(exist_ok=True)
        (self.work / name).write_text(text)
        git(self.work, "add", "--all")
        git(self.work, "commit", "--quiet", "--message", f"Change {name}")
        git(self.work, "push", "--quiet", "--all")
        return git(self.work, "rev-parse", "HEAD")


def git(where: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
    done = subprocess.run(
        ["git", *identity, *arguments], cwd=where, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


class Backend(http.server.BaseHTTPRequestHandler):
    """Runs `git http-backend` for every request; `/private/` asks for a password."""

    root: Path

    def do_GET(self) -> None:
        if self.path.startswith("/private/"):
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="private"')
            self.end_headers()
            return
        self.answer(b"")

    def do_POST(self) -> None:
        self.answer(self.rfile.read(int(self.headers.get("Content-Length") or 0)))

    def answer(self, body: bytes) -> None:
        path, _, query = self.path.partition("?")
        variables = {
            "GIT_PROJECT_ROOT": str(self.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "REQUEST_METHOD": self.command,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "PATH": os.environ["PATH"],
        }
        done = subprocess.run(
            ["git", "http-backend"], input=body, env=variables, capture_output=True, check=False
        )
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().splitlines())
        self.send_response(int(headers.pop("Status", "200 OK").split()[0]))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Quiet: the tests say what went wrong."""


@pytest.fixture
def forge(tmp_path: Path) -> Iterator[Forge]:
    root, work = tmp_path / "served", tmp_path / "work"
    bare = root / "repo.git"
    git(tmp_path, "init", "--quiet", "--bare", "--initial-branch=main", str(bare))
    git(tmp_path, "clone", "--quiet", str(bare), str(work))
    git(work, "checkout", "--quiet", "-b", "main")
    handler = type("Handler", (Backend,), {"root": root})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    made = Forge(f"http://127.0.0.1:{server.server_port}/repo.git", work)
    made.commit("a.txt", "one")
    yield made
    server.shutdown()


@pytest.fixture
def cache(tmp_path: Path) -> GitCache:
    (tmp_path / "cache").mkdir()
    return GitCache(tmp_path / "cache", timeout=20)


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


async def test_what_is_not_fetched_is_said(forge: Forge, cache: GitCache) -> None:
    plain = forge.commit("README.md", "nothing special\n")
    forge.commit("data/.gitattributes", "*.h5 filter=lfs diff=lfs merge=lfs -text\n")
    git(forge.work, "update-index", "--add", "--cacheinfo", f"160000,{plain},sub/module")
    git(forge.work, "commit", "--quiet", "--message", "A submodule")
    git(forge.work, "push", "--quiet", "--all")
    both = git(forge.work, "rev-parse", "HEAD")
    for commit in (plain, both):
        await cache.fetch(any_git(forge.url, ""), commit)
    assert await cache.left_out(forge.url, plain) == []
    assert await cache.left_out(forge.url, both) == [
        "Submodules are not fetched: sub/module will be empty.",
        "Files in Git LFS are not fetched: you get the pointers to them.",
    ]


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
