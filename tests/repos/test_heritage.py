"""Software Heritage: objects of Git's by their own names, from a double of its vault."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest
from doubles import archives
from doubles.archives import Internet
from repos.forge import Forge, git

from hpcbinderhub.errors import UserError
from hpcbinderhub.repos.pasted import parse_pasted
from hpcbinderhub.repos.records import heritage
from hpcbinderhub.repos.repositories import Repositories


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heritage, "FIRST_PAUSE", 0.01)


def bundle(forge: Forge, tmp_path: Path, instead: dict[str, str] | None = None) -> bytes:
    """A bare repository in a tar file, as the vault makes it; some objects may be others."""
    bare = tmp_path / "bare.git"
    git(tmp_path, "clone", "--quiet", "--bare", "--local", str(forge.work), str(bare))
    for name, other in (instead or {}).items():
        place = bare / "objects" / name[:2] / name[2:]
        place.unlink()
        place.write_bytes((bare / "objects" / other[:2] / other[2:]).read_bytes())
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        tar.add(bare, "swh:1:rev:x.git")
    return made.getvalue()


async def test_a_revision_of_software_heritage_is_the_commit_itself(
    forge: Forge, internet: Internet, repositories: Repositories, tmp_path: Path
) -> None:
    commit = forge.commit("a.txt", "two")
    swhid = f"swh:1:rev:{commit}"
    archives.heritage(internet, swhid, bundle(forge, tmp_path))
    spec = parse_pasted(f"https://archive.softwareheritage.org/{swhid};origin={forge.url}").spec
    assert await repositories.resolve(spec) == commit
    assert internet.asked == []
    await repositories.fetch(spec, commit)
    await repositories.git.bundle(spec.repo_url, "HEAD", commit, tmp_path / "content.bundle")
    git(tmp_path, "clone", "--quiet", "--branch=hpcbinder", "content.bundle", "clone")
    assert git(tmp_path / "clone", "rev-list", "--count", "HEAD") == "2"


async def test_a_directory_of_software_heritage_is_known_before_it_is_fetched(
    forge: Forge, internet: Internet, repositories: Repositories, tmp_path: Path
) -> None:
    tree = git(forge.work, "rev-parse", "HEAD^{tree}")
    archives.heritage(internet, f"swh:1:dir:{tree}", bundle(forge, tmp_path))
    spec = parse_pasted(f"swh:1:dir:{tree}").spec
    commit = await repositories.resolve(spec)
    await repositories.fetch(spec, commit)
    assert await repositories.git.tree(spec.repo_url, commit) == tree


async def test_a_release_of_software_heritage_is_what_it_is_of(
    forge: Forge, internet: Internet, repositories: Repositories
) -> None:
    commit, name = git(forge.work, "rev-parse", "HEAD"), "0123456789" * 4
    release = {"target": commit, "target_type": "revision"}
    internet.says(f"/heritage/api/1/release/{name}/", release)
    assert await repositories.resolve(parse_pasted(f"swh:1:rel:{name}").spec) == commit


async def test_what_is_not_what_its_name_says_is_refused(
    forge: Forge, internet: Internet, repositories: Repositories, tmp_path: Path
) -> None:
    good = git(forge.work, "rev-parse", "HEAD:a.txt")
    forge.commit("evil.txt", "evil")
    evil = git(forge.work, "rev-parse", "HEAD:evil.txt")
    commit = git(forge.work, "rev-parse", "HEAD")
    archives.heritage(internet, f"swh:1:rev:{commit}", bundle(forge, tmp_path, {good: evil}))
    spec = parse_pasted(f"swh:1:rev:{commit}").spec
    for _ in range(2):
        with pytest.raises(UserError):
            await repositories.fetch(spec, commit)


async def test_a_bundle_without_the_object_is_refused(
    forge: Forge, internet: Internet, repositories: Repositories, tmp_path: Path
) -> None:
    other = "0123456789" * 4
    archives.heritage(internet, f"swh:1:rev:{other}", bundle(forge, tmp_path))
    spec = parse_pasted(f"swh:1:rev:{other}").spec
    with pytest.raises(UserError):
        await repositories.fetch(spec, other)


async def test_what_the_vault_cannot_prepare_is_said(
    internet: Internet, repositories: Repositories
) -> None:
    name = "0123456789" * 4
    failed = {"status": "failed", "progress_message": "out of memory"}
    internet.says(f"/heritage/api/1/vault/git-bare/swh:1:rev:{name}/", failed)
    with pytest.raises(UserError, match="could not prepare") as refused:
        await repositories.fetch(parse_pasted(f"swh:1:rev:{name}").spec, name)
    assert refused.value.detail == "out of memory"
