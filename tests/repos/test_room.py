"""The cache of repositories has a limit; what goes can be fetched again."""

from __future__ import annotations

import os
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from repos.forge import git

from hpcbinderhub.repos.git import GitCache
from hpcbinderhub.repos.guard import Guard
from hpcbinderhub.repos.room import LATELY, Cached, CacheRoom, look, superfluous

NOW = 1e9
CACHED = st.builds(
    Cached,
    path=st.uuids().map(lambda name: Path(f"{name}.git")),
    size=st.integers(0, 100),
    used=st.floats(0, 100),
    only_copy=st.booleans(),
)


@given(st.lists(CACHED), st.integers(0, 1000), st.floats(0, 120))
def test_no_more_goes_than_must(cached: list[Cached], limit: int, used_before: float) -> None:
    gone = list(superfluous(cached, limit, used_before))
    kept = [one for one in cached if one not in gone]
    free = [one for one in kept if not one.only_copy and one.used < used_before]
    assert not any(one.only_copy or one.used >= used_before for one in gone)
    assert sum(one.size for one in kept) <= limit or not free
    assert sum(one.size for one in kept) + (gone[-1].size if gone else limit + 1) > limit
    assert all(one.used >= other.used for one in free for other in gone)


async def test_one_that_is_used_while_others_are_looked_at_stays(tmp_path: Path) -> None:
    cache = GitCache(tmp_path, 20, Guard())
    async with cache.opened("https://git.example.org/used") as used:
        pass
    at = used.path.stat().st_mtime
    await cache.remove(used.path, unused_since=at)
    assert used.path.is_dir()
    await cache.remove(used.path, unused_since=at + 1)
    assert not used.path.exists()


async def test_the_least_recently_used_repository_goes(tmp_path: Path) -> None:
    cache = GitCache(tmp_path, 20, Guard())
    for days, name in enumerate(("new", "pushed", "older", "oldest")):
        async with cache.opened(f"https://git.example.org/{name}") as repository:
            (repository.path / "objects" / "pack" / "large.pack").write_bytes(bytes(100_000))
            if name == "pushed":
                repository.note_as_only_copy()
        at = NOW - days * 2 * LATELY
        os.utime(repository.path, (at, at))
    async with cache.opened("https://git.example.org/oldest") as oldest:
        pass  # Of use again.

    await CacheRoom(cache, limit=350_000, clock=lambda: NOW).tidy()
    assert len(look(tmp_path)) == 3
    assert oldest.path.is_dir()
    await CacheRoom(cache, limit=1, clock=lambda: NOW).tidy()
    assert {one.only_copy for one in look(tmp_path)} == {False, True}
    async with cache.opened("https://git.example.org/older") as again:
        assert git(again.path, "count-objects").startswith("0 objects")
    await CacheRoom(cache, limit=0, clock=lambda: NOW).tidy()
    assert len(look(tmp_path)) == 4
