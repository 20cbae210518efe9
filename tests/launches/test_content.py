"""Files that are made for a launch, and made again when somebody asks after they went."""

from __future__ import annotations

import os
import tarfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
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


def content_of(tmp_path: Path) -> ContentStore:
    """The store of a service."""
    for name in ("cache", "content"):
        (tmp_path / name).mkdir(exist_ok=True)
    guard = Guard(private=["127.0.0.0/8"])
    cache, web = GitCache(tmp_path / "cache", 20, guard), Web(guard)
    repositories = Repositories(cache, Forges(web), Records(cache, web, 10**6))
    return ContentStore(repositories, WholeTrees(cache, Lfs(web), 1000), tmp_path / "content")


async def test_what_nobody_asks_for_goes_and_can_be_made_again(
    forge: Forge, tmp_path: Path
) -> None:
    content = content_of(tmp_path)
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


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50, deadline=None
)
@given(st.dictionaries(st.sampled_from(["a.txt", "binder/b.txt", "c/d/e.in"]), st.binary()))
async def test_a_reduced_context_holds_its_files_and_no_other_byte(
    tmp_path: Path, files: dict[str, bytes]
) -> None:
    content = content_of(tmp_path)
    path = await content.packed(files)
    with tarfile.open(path) as archive:
        members = {member.name: archive.extractfile(member) for member in archive}
        held = {name: file.read() if file else None for name, file in members.items()}
    assert held == files
    assert await content.packed(dict(reversed(files.items()))) == path
