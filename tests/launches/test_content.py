"""Files that are made for a launch, and made again when somebody asks after they went."""

from __future__ import annotations

import os
from pathlib import Path

from repos.forge import Forge, git

from hpcbinderhub.launches.content import KEPT_SECONDS, ContentStore
from hpcbinderhub.repos.forges import Forges
from hpcbinderhub.repos.git import GitCache
from hpcbinderhub.repos.guard import Guard
from hpcbinderhub.repos.lfs import Lfs
from hpcbinderhub.repos.records.records import Records
from hpcbinderhub.repos.repositories import Repositories
from hpcbinderhub.repos.web import Web
from hpcbinderhub.repos.whole import WholeTrees


async def test_what_nobody_asks_for_goes_and_can_be_made_again(
    forge: Forge, tmp_path: Path
) -> None:
    for name in ("cache", "content"):
        (tmp_path / name).mkdir()
    guard = Guard(private=["127.0.0.0/8"])
    cache, web = GitCache(tmp_path / "cache", 20, guard), Web(guard)
    repositories = Repositories(cache, Forges(web), Records(cache, web, 10**6))
    content = ContentStore(repositories, WholeTrees(cache, Lfs(web), 1000), tmp_path / "content")
    wanted = (forge.url, "main", git(forge.work, "rev-parse", "HEAD"), None)
    bundle, (archive, _) = await content.bundle(*wanted), await content.archive(*wanted)
    for path in (bundle, archive):
        made = path.stat().st_mtime
        os.utime(path, (made, made - KEPT_SECONDS - 60))
    assert await content.archive(*wanted) == (archive, [])
    await content.tidy()
    assert (bundle.exists(), archive.exists()) == (False, True)
    assert await content.bundle(*wanted) == bundle
    assert bundle.exists()
