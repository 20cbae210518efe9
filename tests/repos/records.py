"""Every archive at the double, and what a builder gets of a record."""

from __future__ import annotations

import tarfile
from pathlib import Path

from doubles.archives import Internet

from hpcbinderhub.repos.forges import Forges
from hpcbinderhub.repos.git import GitCache
from hpcbinderhub.repos.guard import Guard
from hpcbinderhub.repos.pasted import parse_pasted
from hpcbinderhub.repos.records.records import Places, Records
from hpcbinderhub.repos.repositories import Repositories
from hpcbinderhub.repos.web import Web


def cache(
    directory: Path, internet: Internet, limit: int = 10**6, **guard: list[str]
) -> Repositories:
    """The service's own way, with every archive at the double."""
    directory.mkdir()
    looked_at = Guard(private=["127.0.0.0/8"], **guard)
    web, store = Web(looked_at), GitCache(directory, 20, looked_at)
    places = Places(
        **{name: f"{internet.url}/{name}" for name in ("doi", "zenodo", "hydroshare", "heritage")},
        figshare=f"{internet.url}/figshare",
    )
    return Repositories(store, Forges(web), Records(store, web, limit, places))


async def files_of(repositories: Repositories, pasted: str, tmp_path: Path) -> dict[str, bytes]:
    """What a builder would get of something that was pasted."""
    spec = parse_pasted(pasted).spec
    commit = await repositories.resolve(spec)
    await repositories.fetch(spec, commit)
    await repositories.git.archive(spec.repo_url, commit, tmp_path / "tree.tar")
    with tarfile.open(tmp_path / "tree.tar") as tree:
        opened = {member.name: tree.extractfile(member) for member in tree if member.isreg()}
        return {name: file.read() for name, file in opened.items() if file}
