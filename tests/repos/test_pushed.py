"""What was pushed: whose it is, how long it stays, and that a bundle is never believed."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from repos.forge import git

from hpcbinderhub.database import Database
from hpcbinderhub.errors import UserError
from hpcbinderhub.repos.git import GitCache
from hpcbinderhub.repos.guard import Guard
from hpcbinderhub.repos.pushed import DAY, MIB, Pushed, PushLimits
from hpcbinderhub.repos.spec import pushed as spec_of

LIMITS = PushLimits(size=MIB, size_per_user=2 * MIB, days=30)
MINE = spec_of("alice", "soundings", "")


class Clock:
    now = 1e9

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def pushed(tmp_path: Path, clock: Clock) -> AsyncIterator[Pushed]:
    database = Database(f"sqlite:///{tmp_path}/site.sqlite")
    await asyncio.to_thread(database.upgrade)
    (tmp_path / "cache").mkdir()
    yield Pushed(database, GitCache(tmp_path / "cache", 20, Guard()), LIMITS, clock)
    await database.close()


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A clone."""
    git(tmp_path, "init", "--quiet", "--initial-branch=main", "work")
    (tmp_path / "work" / "a.txt").write_text("one\n")
    git(tmp_path / "work", "add", "--all")
    git(tmp_path / "work", "commit", "--quiet", "--message", "First")
    return tmp_path / "work"


def bundle(work: Path, *names: str) -> Path:
    git(work, "bundle", "create", "--quiet", "../bundle", *(names or ("HEAD",)))
    return work.parent / "bundle"


async def refused(pushed: Pushed, bundle: Path) -> str:
    """Why a bundle is not taken; and nothing of it is."""
    with pytest.raises(UserError, match="not a whole and sound repository") as error:
        await pushed.take("alice", "soundings", bundle, shared=False)
    assert await pushed.of_user("alice") == []
    return error.value.detail


async def test_what_nobody_launches_goes(pushed: Pushed, work: Path, clock: Clock) -> None:
    taken = await pushed.take("alice", "soundings", bundle(work), shared=False)
    clock.now += 20 * DAY
    await pushed.tidy()
    assert await pushed.open(MINE, "alice") == (taken.commit, "alice")
    clock.now += 20 * DAY
    await pushed.tidy()
    await pushed.fetch(MINE, taken.commit, "alice")
    clock.now += 11 * DAY
    await pushed.tidy()
    assert await pushed.of_user("alice") == []
    with pytest.raises(UserError, match="has no branch, tag or commit"):
        await pushed.fetch(MINE, taken.commit, "alice")


async def test_what_was_private_under_a_name_is_gone_when_the_name_is_shared(
    pushed: Pushed, work: Path
) -> None:
    private = await pushed.take("alice", "soundings", bundle(work), shared=False)
    git(work, "commit", "--quiet", "--amend", "--message", "Second")
    shared = await pushed.take("alice", "soundings", bundle(work), shared=True)
    assert await pushed.open(MINE, "bob") == (shared.commit, None)
    for user in ("alice", "bob"):
        with pytest.raises(UserError, match="has pushed no commit"):
            await pushed.open(MINE.at(private.commit), user)


async def test_a_name_is_its_owners(pushed: Pushed, work: Path) -> None:
    await pushed.take("alice", "soundings", bundle(work), shared=True)
    git(work, "commit", "--quiet", "--amend", "--message", "Bob's")
    theirs = await pushed.take("bob", "soundings", bundle(work), shared=True)
    assert (await pushed.open(spec_of("bob", "soundings", ""), "alice"))[0] == theirs.commit
    assert (await pushed.open(MINE, "bob"))[0] != theirs.commit
    assert await pushed.remove("bob", "soundings")
    assert [one.owner for one in await pushed.of_user("alice")] == ["alice"]


async def test_names_in_a_bundle_mean_nothing(pushed: Pushed, work: Path) -> None:
    head = git(work, "rev-parse", "HEAD")
    whole = bundle(work).read_bytes()
    for name in (
        "../../escape",
        "--upload-pack=touch ../touched",
        "refs/heads/-x",
        "\x0b--force x",
    ):
        (work.parent / "bundle").write_bytes(whole.replace(b" HEAD\n", f" {name}\n".encode(), 1))
        taken = await pushed.take("alice", "soundings", work.parent / "bundle", shared=False)
        assert taken.commit == head
    assert not (work.parent / "touched").exists()


async def test_a_tag_stands_for_its_commit(pushed: Pushed, work: Path) -> None:
    git(work, "tag", "--annotate", "v1", "--message", "One")
    taken = await pushed.take("alice", "soundings", bundle(work, "refs/tags/v1"), shared=False)
    assert taken.commit == git(work, "rev-parse", "HEAD")


async def test_several_commits_are_refused(pushed: Pushed, work: Path) -> None:
    git(work, "branch", "other")
    git(work, "commit", "--quiet", "--amend", "--message", "Another")
    assert "several commits" in await refused(pushed, bundle(work, "main", "other"))


@pytest.mark.parametrize(("name", "words"), [(".git", "hasDotgit"), ("..", "hasDotdot")])
async def test_names_of_files_that_lead_elsewhere_are_refused(
    pushed: Pushed, work: Path, name: str, words: str
) -> None:
    git(work, "update-ref", "refs/heads/evil", evil_commit(work, name))
    assert words in await refused(pushed, bundle(work, "evil"))


def evil_commit(work: Path, name: str) -> str:
    """A commit with a folder of this name, as only a hostile hand writes one."""
    listing = f"040000 tree {git(work, 'rev-parse', 'HEAD:')}\t{name}\n"
    made = subprocess.run(
        ["git", "mktree"], input=listing, cwd=work, check=True, capture_output=True, text=True
    )
    return git(work, "commit-tree", "-m", "Evil", made.stdout.strip())
