"""Private repositories: who is let in, with what, and who gets to see it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest
from repos.forge import Forge, git, serve

from hpcbinderhub.credentials.hosts import host_of
from hpcbinderhub.credentials.keyring import Keyring, add_key
from hpcbinderhub.credentials.store import Credential, Credentials
from hpcbinderhub.database import Database
from hpcbinderhub.errors import UserError
from hpcbinderhub.repos.access import Access
from hpcbinderhub.repos.forges import Forges
from hpcbinderhub.repos.git import GitCache
from hpcbinderhub.repos.guard import Guard
from hpcbinderhub.repos.records.records import Records
from hpcbinderhub.repos.repositories import Repositories
from hpcbinderhub.repos.spec import any_git
from hpcbinderhub.repos.web import Web

TOKEN = "glpat-aVerySecretToken"


class Place:
    """One site's way to repositories."""

    def __init__(self, directory: Path, database: Database, *without_tls: str):
        (directory / "cache").mkdir(parents=True)
        add_key(directory / "keys")
        self.database = database
        guard = Guard(private=["127.0.0.0/8"])
        keyring = Keyring(str(directory / "keys"))
        self.credentials = Credentials(database, keyring, without_tls)
        self.git = GitCache(directory / "cache", 20, guard, self.credentials.for_url)
        web = Web(guard)
        repositories = Repositories(self.git, Forges(web), Records(self.git, web, 10**6))
        self.access = Access(repositories, self.credentials)


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    database = Database(f"sqlite:///{tmp_path}/site.sqlite")
    await asyncio.to_thread(database.upgrade)
    yield Place(tmp_path, database, "127.0.0.1")
    await database.close()


async def enter(place: Place, user: str, forge: Forge, token: str = TOKEN) -> None:
    await place.credentials.keep(user, host_of(forge.url), Credential(token))


async def test_what_everybody_may_read_needs_no_credential_and_shows_none(
    forge: Forge, place: Place
) -> None:
    await enter(place, "alice", forge)
    commit, reader = await place.access.open(any_git(forge.url, "main"), "alice")
    assert (commit, reader) == (git(forge.work, "rev-parse", "HEAD"), None)
    assert forge.shown == []


async def test_a_private_repository_is_its_readers_alone(forge: Forge, place: Place) -> None:
    forge.tokens.add(TOKEN)
    await enter(place, "alice", forge)
    spec = any_git(forge.private_url, "main")
    commit, reader = await place.access.open(spec, "alice")
    assert reader == "alice"
    await place.git.fetch(spec, commit, "alice")
    assert await place.git.tree(spec.repo_url, commit, "alice")
    # What alice fetched is neither everybody's nor bob's.
    for other in (None, "bob"):
        with pytest.raises(UserError, match="private, or does not exist"):
            await place.git.fetch(spec, commit, other)


async def test_a_user_without_a_credential_is_told_where_to_enter_one(
    forge: Forge, place: Place
) -> None:
    forge.tokens.add(TOKEN)
    await enter(place, "alice", forge)
    with pytest.raises(UserError) as refused:
        await place.access.open(any_git(forge.private_url, ""), "bob")
    assert refused.value.message == f"{forge.private_url} is private, or does not exist."
    assert f"enter a token for {host_of(forge.url)} on the page “Yours”" in refused.value.advice


async def test_a_right_that_was_taken_away_is_gone_even_for_a_commit_that_is_here(
    forge: Forge, place: Place
) -> None:
    forge.tokens.add(TOKEN)
    await enter(place, "alice", forge)
    spec = any_git(forge.private_url, "main")
    commit, _ = await place.access.open(spec, "alice")
    await place.git.fetch(spec, commit, "alice")
    forge.tokens.clear()
    for ref in ("main", commit):
        with pytest.raises(UserError) as refused:
            await place.access.open(spec.at(ref), "alice")
        assert "was refused, or may not read it" in refused.value.advice


async def test_a_repository_that_was_closed_is_closed_for_commits_that_are_here(
    forge: Forge, place: Place
) -> None:
    spec = any_git(forge.url, "main")
    commit, _ = await place.access.open(spec, "alice")
    await place.git.fetch(spec, commit)
    (forge.work.parent / "served/repo.git").rename(forge.work.parent / "served/closed.git")
    with pytest.raises(UserError, match="is not a Git repository"):
        await place.access.open(spec.at(commit), "alice")


async def test_a_credential_follows_no_redirect_to_another_host(
    forge: Forge, place: Place, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    with serve(tmp_path / "other") as other:
        other.tokens.add(TOKEN)
        await enter(place, "alice", forge)
        forge.elsewhere = other.url.removesuffix("/repo.git")
        spec = any_git(forge.url.replace("/repo.git", "/away/private/repo.git"), "")
        with pytest.raises(UserError, match="private, or does not exist"):
            await place.access.open(spec, "alice")
        assert (forge.shown, other.shown) == ([], [])
        # Whoever has a credential for the other host names it.
        await enter(place, "alice", other)
        assert (await place.access.open(any_git(other.private_url, ""), "alice"))[1] == "alice"


async def test_no_credential_is_sent_without_tls_unless_the_site_says_so(
    forge: Forge, place: Place, tmp_path: Path
) -> None:
    forge.tokens.add(TOKEN)
    strict = Place(tmp_path / "strict", place.database)
    await enter(strict, "alice", forge)
    spec = any_git(forge.private_url, "")
    with pytest.raises(UserError) as refused:
        await strict.access.open(spec, "alice")
    assert "use its https address" in refused.value.advice
    with pytest.raises(UserError, match="private, or does not exist"):
        await strict.git.resolve(spec, "alice")
    assert forge.shown == []


def written_below(directory: Path) -> bytes:
    """All that is in the files below a directory."""
    return b"\n".join(path.read_bytes() for path in directory.rglob("*") if path.is_file())


def visible() -> bytes:
    """What every process of this host lets others see of its arguments and its environment."""
    seen = []
    for process in Path("/proc").glob("[0-9]*"):
        for name in ("cmdline", "environ"):
            try:
                seen.append((process / name).read_bytes())
            except OSError:
                continue
    return b"\n".join(seen)


async def test_nobody_sees_a_credential_while_git_uses_it(
    forge: Forge, place: Place, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    forge.tokens.add(TOKEN)
    await enter(place, "alice", forge)
    spec = any_git(forge.private_url, "main")
    forge.hurry.clear()
    opening = asyncio.create_task(place.access.open(spec, "alice"))
    while TOKEN not in forge.shown:
        assert not opening.done()
        assert TOKEN.encode() not in await asyncio.to_thread(visible)
    seen = await asyncio.to_thread(visible)
    assert forge.private_url.encode() in seen, "Git is still at it"
    assert TOKEN.encode() not in seen
    forge.hurry.set()
    commit, _ = await opening
    await place.git.fetch(spec, commit, "alice")
    assert TOKEN.encode() not in await asyncio.to_thread(written_below, tmp_path)
    assert TOKEN not in caplog.text
    assert TOKEN not in repr(await place.credentials.for_url("alice", forge.url))


async def test_no_pipe_is_left_open(forge: Forge, place: Place) -> None:
    forge.tokens.add(TOKEN)
    await enter(place, "alice", forge)
    before = open_pipes()
    for _ in range(3):
        await place.access.open(any_git(forge.private_url, ""), "alice")
    assert open_pipes() <= before


def open_pipes() -> set[str]:
    """Of this process, which the forge's own connections are in, too."""
    found = set()
    for number in os.listdir("/proc/self/fd"):
        with suppress(FileNotFoundError):  # The one that the folder was read by.
            found.add(os.readlink(f"/proc/self/fd/{number}"))
    return {name for name in found if name.startswith("pipe:")}
