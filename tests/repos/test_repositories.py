"""Forges within what they allow, and what every repository has in common.

The forge's site is a real Git server; its API is a double that says what GitHub's and GitLab's
documentation says that theirs do.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from doubles import archives
from doubles.archives import Internet, Reply, moved
from repos.forge import Forge, git

from hpcbinderhub.errors import NotAllowed, NotFound
from hpcbinderhub.repos.forges import Forges, GitHub, GitLab
from hpcbinderhub.repos.git import GitCache
from hpcbinderhub.repos.guard import Guard
from hpcbinderhub.repos.pasted import Pasted, parse_pasted
from hpcbinderhub.repos.records.records import Records
from hpcbinderhub.repos.repositories import MISSING_SECONDS, Repositories
from hpcbinderhub.repos.spec import any_git
from hpcbinderhub.repos.web import Question, Web

SHA = "0123456789abcdef0123456789abcdef01234567"
GUARD = Guard(private=["127.0.0.0/8"])


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def api() -> Iterator[Internet]:
    with archives.serve() as made:
        yield made


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def repositories(tmp_path: Path, forge: Forge, api: Internet, clock: Clock) -> Repositories:
    """A site for which the Git server is GitHub, with a token for its API."""
    (tmp_path / "cache").mkdir()
    token = tmp_path / "token"
    token.write_text("s3cret\n")
    site = forge.url.removesuffix("/repo.git")
    forges = Forges(
        Web(GUARD), {urlsplit(site).netloc: str(token)}, [GitHub(site, f"{api.url}/github")], clock
    )
    store = GitCache(tmp_path / "cache", 20, GUARD)
    return Repositories(store, forges, Records(store, Web(GUARD), 10**6), clock)


def commits(ref: str) -> str:
    """Where GitHub's API says what a ref stands for."""
    return f"/github/repos/repo/commits/{ref}"


async def test_the_forge_is_asked_with_its_etag_and_the_sites_token(
    forge: Forge, api: Internet, repositories: Repositories, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    api.says(
        commits("main"),
        Reply(SHA.encode(), headers={"ETag": '"abc"'}),
        Reply(status=304, headers={"ETag": '"abc"'}),
        Reply(SHA[::-1].encode(), headers={"ETag": '"def"'}),
    )
    spec = any_git(forge.url, "main")
    assert [await repositories.resolve(spec) for _ in range(3)] == [SHA, SHA, SHA[::-1]]
    assert [headers["If-None-Match"] for headers in api.headers] == [None, '"abc"', '"abc"']
    assert {headers["Accept"] for headers in api.headers} == {"application/vnd.github.sha"}
    assert {headers["Authorization"] for headers in api.headers} == {"Bearer s3cret"}
    assert "s3cret" not in " ".join([*api.asked, caplog.text])


async def test_a_token_is_for_its_own_host(forge: Forge, api: Internet) -> None:
    elsewhere = api.url.replace("127.0.0.1", "localhost")
    api.says("/here", moved(f"{elsewhere}/there"))
    api.says("/there", b"")
    web = Web(Guard(private=["127.0.0.0/8", "::1/128"]))
    await web.ask(Question(f"{api.url}/here", headers={"Authorization": "Bearer s3cret"}))
    assert [headers["Authorization"] for headers in api.headers] == ["Bearer s3cret", None]


@pytest.mark.parametrize(
    "limited",
    [
        Reply(status=403, headers={"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1060"}),
        Reply(status=429, headers={"RateLimit-Remaining": "0", "RateLimit-Reset": "1060"}),
        Reply(status=403, headers={"Retry-After": "60"}),
        Reply(status=429),
    ],
)
async def test_git_is_asked_while_the_forge_wants_to_be_left_alone(
    limited: Reply, forge: Forge, api: Internet, repositories: Repositories, clock: Clock
) -> None:
    api.says(commits("main"), limited, Reply(SHA.encode()))
    spec, head = any_git(forge.url, "main"), git(forge.work, "rev-parse", "HEAD")
    assert [await repositories.resolve(spec) for _ in range(3)] == [head] * 3
    assert len(api.asked) == 1
    clock.now += 61
    assert await repositories.resolve(spec) == SHA


@pytest.mark.parametrize(
    "reply", [Reply(status=500), Reply(status=404), Reply(b"<html>"), Reply(b"\xff")]
)
async def test_git_is_asked_where_the_forge_knows_nothing(
    reply: Reply, forge: Forge, api: Internet, repositories: Repositories
) -> None:
    api.says(commits("master"), reply)
    head = git(forge.work, "rev-parse", "HEAD")
    assert await repositories.resolve(any_git(forge.url, "master")) == head


async def test_a_forge_is_not_asked_about_what_the_site_does_not_take(
    tmp_path: Path, repositories: Repositories, forge: Forge, api: Internet
) -> None:
    closed = GitCache(tmp_path / "cache", 20, Guard(denied=["127.0.0.1"], private=["127.0.0.0/8"]))
    repositories.git = closed
    with pytest.raises(NotAllowed, match="takes no repositories from"):
        await repositories.resolve(any_git(forge.url, "main"))
    assert api.asked == []


async def test_gitlab_is_asked_in_its_own_words(api: Internet) -> None:
    forges = Forges(Web(GUARD), forges=[GitLab(api=f"{api.url}/gitlab")])
    path = "/gitlab/projects/group%2Fsub%2Fproject/repository/commits/feature%2Fx"
    api.says(path, {"id": SHA, "short_id": SHA[:8]})
    spec = parse_pasted("https://gitlab.com/group/sub/project", "feature/x").spec
    assert await forges.resolve(spec) == SHA


async def test_what_is_not_there_is_not_asked_for_again_and_again(
    forge: Forge, api: Internet, repositories: Repositories, clock: Clock
) -> None:
    spec = any_git(forge.url, "soon")
    for _ in range(3):
        with pytest.raises(NotFound, match="has no branch, tag or commit “soon”"):
            await repositories.resolve(spec)
    assert len(api.asked) == 1
    git(forge.work, "checkout", "--quiet", "-b", "soon")
    commit = forge.commit("a.txt", "soon")
    clock.now += MISSING_SECONDS
    assert await repositories.resolve(spec) == commit


async def test_a_short_commit_becomes_a_full_one(forge: Forge, repositories: Repositories) -> None:
    first = git(forge.work, "rev-parse", "HEAD")
    forge.commit("a.txt", "two")
    assert await repositories.resolve(any_git(forge.url, first[:9])) == first
    with pytest.raises(NotFound, match="has no branch, tag or commit “abcdef0”"):
        await repositories.resolve(any_git(forge.url, "abcdef0"))


@pytest.mark.parametrize(
    ("page", "ref", "file"),
    [
        ("feature/x/docs/a.ipynb", "feature/x", "docs/a.ipynb"),
        ("feature/x-ray/a.ipynb", "feature/x-ray", "a.ipynb"),
        ("feature/x", "feature/x", ""),
        ("v1/rc/1/a.ipynb", "v1/rc/1", "a.ipynb"),
        ("plain/a.ipynb", "plain", "a.ipynb"),
        ("nothing/a.ipynb", "nothing", "a.ipynb"),
    ],
)
async def test_a_branchs_name_ends_where_the_repository_says(
    page: str, ref: str, file: str, forge: Forge, repositories: Repositories
) -> None:
    for branch in ("feature/x", "feature/x-ray", "plain"):
        git(forge.work, "branch", branch)
    git(forge.work, "tag", "--annotate", "v1/rc/1", "--message", "One")
    git(forge.work, "push", "--quiet", "--all")
    git(forge.work, "push", "--quiet", "--tags")
    pasted = parse_pasted(f"https://github.com/org/repo/tree/{page}")
    here = replace(pasted, spec=any_git(forge.url, pasted.spec.ref))
    assert await repositories.settle(here, "alice") == Pasted(any_git(forge.url, ref), file)


async def test_what_is_settled_by_its_text_asks_nobody(repositories: Repositories) -> None:
    for page in ("main/a.ipynb", f"{SHA}/a.ipynb", "feature"):
        pasted = parse_pasted(f"https://github.com/org/repo/blob/{page}")
        assert await repositories.settle(pasted, "alice") == pasted


async def test_where_nobody_is_let_in_the_first_word_is_the_branch(
    forge: Forge, repositories: Repositories
) -> None:
    missing = any_git(forge.url.replace("repo.git", "nothing.git"), "feature")
    pasted = Pasted(missing, "x/a.ipynb", is_open=True)
    assert await repositories.settle(pasted, "alice") == Pasted(missing, "x/a.ipynb")
