"""Records of archives become commits, against a double of the archives' APIs."""

from __future__ import annotations

import io
import stat
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from doubles import archives
from doubles.archives import Internet, Reply, md5, moved
from repos.forge import Forge, git

from hpcbinderhub.errors import NotAllowed, NotFound, UserError
from hpcbinderhub.repos.forges import Forges
from hpcbinderhub.repos.git import GitCache
from hpcbinderhub.repos.guard import Guard
from hpcbinderhub.repos.pasted import parse_pasted
from hpcbinderhub.repos.records import heritage
from hpcbinderhub.repos.records.records import Places, Records
from hpcbinderhub.repos.repositories import Repositories
from hpcbinderhub.repos.web import Web

README, NOTEBOOK = b"Read me.\r\n", b'{"cells": []}'
RESOURCE = "8f7c2f0341ef4180b0dbe97f59130756"


@pytest.fixture
def internet(monkeypatch: pytest.MonkeyPatch) -> Iterator[Internet]:
    monkeypatch.setattr(heritage, "FIRST_PAUSE", 0.01)
    with archives.serve() as made:
        yield made


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


@pytest.fixture
def repositories(tmp_path: Path, internet: Internet) -> Repositories:
    return cache(tmp_path / "cache", internet)


async def files_of(repositories: Repositories, pasted: str, tmp_path: Path) -> dict[str, bytes]:
    """What a builder would get of something that was pasted."""
    spec = parse_pasted(pasted).spec
    commit = await repositories.resolve(spec)
    await repositories.fetch(spec, commit)
    await repositories.git.archive(spec.repo_url, commit, tmp_path / "tree.tar")
    with tarfile.open(tmp_path / "tree.tar") as tree:
        opened = {member.name: tree.extractfile(member) for member in tree if member.isreg()}
        return {name: file.read() for name, file in opened.items() if file}


# -- one archive after the other -----------------------------------------------------------------


@pytest.mark.parametrize(
    "pasted", ["10.5281/zenodo.301", "https://zenodo.org/records/301", "doi:10.5281/zenodo.301"]
)
async def test_zenodo(
    pasted: str, internet: Internet, repositories: Repositories, tmp_path: Path
) -> None:
    archives.zenodo(internet, 301, {"README.md": README, "a.ipynb": NOTEBOOK})
    found = await files_of(repositories, pasted, tmp_path)
    assert found == {"README.md": README, "a.ipynb": NOTEBOOK}


async def test_zenodos_number_for_all_versions_is_the_latest(
    internet: Internet, repositories: Repositories, tmp_path: Path
) -> None:
    archives.zenodo(internet, 301, {"README.md": README})
    internet.says("/zenodo/records/300", moved("/zenodo/records/301"))
    assert await files_of(repositories, "10.5281/zenodo.300", tmp_path) == {"README.md": README}
    assert await repositories.resolve(parse_pasted("10.5281/zenodo.300").spec) == (
        await repositories.resolve(parse_pasted("10.5281/zenodo.301").spec)
    )


async def test_figshare_in_its_latest_version_or_another(
    internet: Internet, repositories: Repositories, tmp_path: Path
) -> None:
    archives.figshare(internet, 9782777, 1, {"a.ipynb": NOTEBOOK})
    archives.figshare(internet, 9782777, 2, {"README.md": README})
    found = await files_of(repositories, "10.6084/m9.figshare.9782777", tmp_path)
    assert found == {"README.md": README}
    internet.says("/storage/9782777/0?signature=abc", NOTEBOOK)
    found = await files_of(repositories, "https://figshare.com/articles/x/9782777/1", tmp_path)
    assert found == {"a.ipynb": NOTEBOOK}


async def test_dataverse_gives_tables_as_they_were_uploaded_and_nothing_restricted(
    internet: Internet, repositories: Repositories, tmp_path: Path
) -> None:
    table = b"a,b\n1,2\n"
    ingested = {
        "label": "table.tab",
        "directoryLabel": "data",
        "dataFile": {
            "id": 12,
            "filesize": 99,
            "originalFileName": "table.csv",
            "originalFileSize": len(table),
            "checksum": {"type": "MD5", "value": md5(table)},
        },
    }
    secret = {"label": "secret.txt", "restricted": True, "dataFile": {"id": 13, "filesize": 1}}
    archives.dataverse(internet, "10.7910/DVN/TJCLKP", [ingested, secret])
    internet.says("/dataverse/api/access/datafile/12?format=original", table)
    found = await files_of(repositories, "doi:10.7910/DVN/TJCLKP", tmp_path)
    assert found == {"data/table.csv": table}


async def test_the_doi_of_a_file_in_dataverse_is_its_dataset(
    internet: Internet, repositories: Repositories, tmp_path: Path
) -> None:
    doi, file = "10.7910/DVN/TJCLKP", {"label": "a.ipynb", "dataFile": {"id": 5, "filesize": 13}}
    archives.dataverse(internet, doi, [file])
    page = f"{internet.url}/dataverse/file.xhtml?persistentId=doi:{doi}/ABC"
    internet.says(f"/doi/{doi}/ABC", moved(page))
    version = {
        "datasetPersistentId": f"doi:{doi}",
        "versionNumber": 2,
        "versionMinorNumber": 1,
        "releaseTime": "2020-01-02T03:04:05Z",
    }
    query = f"persistentId=doi:{doi}/ABC&returnDatasetVersion=true"
    answer = {"status": "OK", "data": {"datasetVersion": version}}
    internet.says(f"/dataverse/api/files/:persistentId/?{query}", answer)
    internet.says("/dataverse/api/access/datafile/5", NOTEBOOK)
    assert await files_of(repositories, f"{doi}/ABC", tmp_path) == {"a.ipynb": NOTEBOOK}


@pytest.mark.parametrize(
    "pasted", [f"https://www.hydroshare.org/resource/{RESOURCE}/", f"10.4211/hs.{RESOURCE}"]
)
async def test_hydroshare(
    pasted: str, internet: Internet, repositories: Repositories, tmp_path: Path
) -> None:
    archives.hydroshare(internet, RESOURCE, {"README.md": README, "code/a.ipynb": NOTEBOOK})
    found = await files_of(repositories, pasted, tmp_path)
    assert found == {"README.md": README, "code/a.ipynb": NOTEBOOK}


async def test_ckan_tells_resources_with_one_name_apart(
    internet: Internet, repositories: Repositories, tmp_path: Path
) -> None:
    for path in ("/1/data.csv", "/2/data.csv", "/3/a.ipynb"):
        internet.says(f"/files{path}", path.encode())
    resources = [
        {"id": f"r{number}", "url": f"{internet.url}/files/{number}/{name}", "hash": ""}
        for number, name in ((1, "data.csv"), (2, "data.csv"), (3, "a.ipynb"))
    ]
    page = archives.ckan(internet, "rain", resources, at="2022-01-02T03:04:05.678")
    assert await files_of(repositories, f"{page}/resource/r1", tmp_path) == {
        "r1/data.csv": b"/1/data.csv",
        "r2/data.csv": b"/2/data.csv",
        "a.ipynb": b"/3/a.ipynb",
    }


async def test_a_dataset_of_ckan_that_changes_is_another_commit(
    internet: Internet, repositories: Repositories
) -> None:
    internet.says("/files/a.csv", b"1")
    resources = [{"id": "r", "url": f"{internet.url}/files/a.csv"}]
    spec = parse_pasted(archives.ckan(internet, "rain", resources, at="2022-01-01T00:00:00")).spec
    before = await repositories.resolve(spec)
    internet.says("/files/a.csv", b"2")
    archives.ckan(internet, "rain", resources, at="2022-01-02T00:00:00")
    assert await repositories.resolve(spec) != before
    await repositories.fetch(spec, before)


async def test_what_only_looks_like_ckan_is_the_git_repository_that_it_is(
    forge: Forge, repositories: Repositories
) -> None:
    folder = forge.work.parent / "served/dataset"
    folder.mkdir()
    (folder / "repo").symlink_to("../repo.git")
    spec = parse_pasted(forge.url.replace("/repo.git", "/dataset/repo")).spec
    commit = await repositories.resolve(spec)
    assert commit == git(forge.work, "rev-parse", "HEAD")
    await repositories.fetch(spec, commit)


async def test_other_dois_lead_to_their_archive(
    internet: Internet, repositories: Repositories, tmp_path: Path
) -> None:
    archives.zenodo(internet, 301, {"README.md": README})
    internet.says("/doi/10.1234/of-a-publisher", moved("https://zenodo.org/record/301"))
    spec = parse_pasted("https://doi.org/10.1234/of-a-publisher").spec
    assert spec.path == "doi/10.1234/of-a-publisher"
    assert await files_of(repositories, spec.repo_url, tmp_path) == {"README.md": README}


@pytest.mark.parametrize("page", [Reply(b"<html>A paper</html>"), Reply(status=404)])
async def test_a_doi_of_something_else_is_said(
    page: Reply, internet: Internet, repositories: Repositories
) -> None:
    internet.says("/doi/10.1234/paper", page)
    with pytest.raises(NotFound, match="leads to no archive that is known here"):
        await repositories.resolve(parse_pasted("10.1234/paper").spec)


# -- Software Heritage ---------------------------------------------------------------------------


def bundle(forge: Forge, tmp_path: Path) -> bytes:
    """A bare repository in a tar file, as the vault makes it; with a hook that must never run."""
    bare = tmp_path / "bare.git"
    git(tmp_path, "clone", "--quiet", "--bare", "--no-local", str(forge.work), str(bare))
    (bare / "hooks/post-checkout").write_text("#!/bin/sh\ntouch /tmp/never\n")
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


# -- the same everywhere -------------------------------------------------------------------------


async def test_one_version_is_one_commit_on_every_machine(
    internet: Internet, tmp_path: Path
) -> None:
    archives.zenodo(internet, 301, {"README.md": README, "b/.gitattributes": b"* text=auto\n"})
    spec = parse_pasted("10.5281/zenodo.301").spec
    commits = {await cache(tmp_path / name, internet).resolve(spec) for name in ("one", "another")}
    assert commits == {"4112acc95b9f82aa44b0c3c9fffb327f15747a8d"}


async def test_a_version_that_was_seen_is_not_fetched_again(
    internet: Internet, repositories: Repositories
) -> None:
    archives.zenodo(internet, 301, {"README.md": README})
    spec = parse_pasted("10.5281/zenodo.301").spec
    first = await repositories.resolve(spec)
    assert await repositories.resolve(spec) == first
    await repositories.fetch(spec, first)
    assert internet.asked.count("GET /zenodo/api/records/301/files/README.md/content") == 1


async def test_a_version_that_is_gone_is_said(
    internet: Internet, repositories: Repositories
) -> None:
    archives.zenodo(internet, 301, {"README.md": README})
    with pytest.raises(NotFound, match="the version that was launched is not there any more"):
        await repositories.fetch(parse_pasted("10.5281/zenodo.301").spec, "0123456789" * 4)


# -- archives as the only file -------------------------------------------------------------------


def zipped(*members: tuple[str, bytes, int]) -> bytes:
    """A zip file: names, contents and modes."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, content, mode in members:
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            archive.writestr(info, content)
    return made.getvalue()


def names_below(folder: Path, pattern: str) -> list[Path]:
    return list(folder.rglob(pattern))


PLAIN, RUNS = stat.S_IFREG | 0o644, stat.S_IFREG | 0o755
POINTS = stat.S_IFLNK | 0o777


async def test_the_only_file_is_unpacked_without_its_outer_folder(
    internet: Internet, repositories: Repositories, tmp_path: Path
) -> None:
    content = zipped(
        ("repo-1.0/README.md", README, PLAIN),
        ("repo-1.0/postBuild", b"#!/bin/sh\n", RUNS),
        ("repo-1.0/link", b"README.md", POINTS),
        ("repo-1.0/.git/config", b"[core]", PLAIN),
        ("__MACOSX/repo-1.0/._README.md", b"x", PLAIN),
    )
    archives.zenodo(internet, 301, {"repo-1.0.zip": content})
    found = await files_of(repositories, "10.5281/zenodo.301", tmp_path)
    assert found == {"README.md": README, "postBuild": b"#!/bin/sh\n"}
    with tarfile.open(tmp_path / "tree.tar") as tree:
        assert tree.getmember("postBuild").mode & 0o100
        assert tree.getmember("link").linkname == "README.md"


async def test_a_tar_file_is_unpacked_too(
    internet: Internet, repositories: Repositories, tmp_path: Path
) -> None:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as tar:
        member = tarfile.TarInfo("./repo/a.ipynb")
        member.size = len(NOTEBOOK)
        tar.addfile(member, io.BytesIO(NOTEBOOK))
    archives.zenodo(internet, 301, {"repo.tar.gz": made.getvalue()})
    found = await files_of(repositories, "10.5281/zenodo.301", tmp_path)
    assert found == {"a.ipynb": NOTEBOOK}


async def test_one_of_several_files_stays_as_it_is(
    internet: Internet, repositories: Repositories, tmp_path: Path
) -> None:
    files = {"data.zip": zipped(("a", b"a", PLAIN)), "README.md": README}
    archives.zenodo(internet, 301, files)
    assert await files_of(repositories, "10.5281/zenodo.301", tmp_path) == files


@pytest.mark.parametrize(
    ("members", "sentence"),
    [
        ([("../../evil", b"x", PLAIN)], "a name that is not safe"),
        ([("/etc/evil", b"x", PLAIN)], "a name that is not safe"),
        ([("a\nb", b"x", PLAIN)], "a name that is not safe"),
        ([("a/link", b"../../evil", POINTS)], "a link that leads out of it"),
        ([("link", b"/etc/passwd", POINTS)], "a link that leads out of it"),
        ([("a", b"b", POINTS), ("a/evil", b"x", PLAIN)], "two things with one name"),
        ([(".git/hooks/evil", b"x", RUNS)], "holds no files"),
    ],
)
async def test_nothing_leads_out_of_an_archive(
    members: list[tuple[str, bytes, int]],
    sentence: str,
    internet: Internet,
    repositories: Repositories,
    tmp_path: Path,
) -> None:
    archives.zenodo(internet, 301, {"repo.zip": zipped(*members)})
    with pytest.raises(UserError, match=sentence):
        await repositories.resolve(parse_pasted("10.5281/zenodo.301").spec)
    assert not names_below(tmp_path, "*evil*")


@pytest.mark.parametrize("content", [b"no zip file", zipped(("a", b"a" * 99, PLAIN))[:-40]])
async def test_a_damaged_archive_is_said(
    content: bytes, internet: Internet, repositories: Repositories
) -> None:
    archives.zenodo(internet, 301, {"repo.zip": content})
    with pytest.raises(UserError, match="cannot be unpacked"):
        await repositories.resolve(parse_pasted("10.5281/zenodo.301").spec)


# -- what is refused -----------------------------------------------------------------------------


async def test_a_file_that_is_not_what_its_archive_says_is_refused(
    internet: Internet, repositories: Repositories
) -> None:
    archives.zenodo(internet, 301, {"README.md": README})
    internet.says("/zenodo/api/records/301/files/README.md/content", b"Read ME.\r\n")
    with pytest.raises(UserError, match="did not arrive as its archive says"):
        await repositories.resolve(parse_pasted("10.5281/zenodo.301").spec)


async def test_what_is_too_large_is_refused_before_it_is_fetched(
    internet: Internet, tmp_path: Path
) -> None:
    archives.zenodo(internet, 301, {"a": b"x" * 600, "b": b"x" * 600})
    small = cache(tmp_path / "cache", internet, limit=1000)
    with pytest.raises(UserError, match="larger than"):
        await small.resolve(parse_pasted("10.5281/zenodo.301").spec)
    assert not any("content" in asked for asked in internet.asked)


async def test_what_is_larger_than_was_said_is_cut_off(internet: Internet, tmp_path: Path) -> None:
    archives.zenodo(internet, 301, {"a": b"x" * 600})
    internet.says("/zenodo/api/records/301/files/a/content", b"x" * 5000)
    small = cache(tmp_path / "cache", internet, limit=1000)
    with pytest.raises(UserError, match="or sent more than"):
        await small.resolve(parse_pasted("10.5281/zenodo.301").spec)


async def test_what_grows_when_it_is_unpacked_is_cut_off(
    internet: Internet, tmp_path: Path
) -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", b"\0" * 10**7)
    archives.zenodo(internet, 301, {"bomb.zip": made.getvalue()})
    small = cache(tmp_path / "cache", internet, limit=10**6)
    with pytest.raises(UserError, match="larger than"):
        await small.resolve(parse_pasted("10.5281/zenodo.301").spec)


async def test_a_record_leads_nowhere_inside(
    internet: Internet, repositories: Repositories
) -> None:
    resources = [{"id": "r", "url": "http://169.254.169.254/latest/meta-data"}]
    page = archives.ckan(internet, "rain", resources, at="2022-01-02T03:04:05")
    with pytest.raises(NotAllowed, match="is inside a network"):
        await repositories.resolve(parse_pasted(page).spec)
    internet.says("/files/a", moved("http://10.0.0.1/secret"))
    resources = [{"id": "r", "url": f"{internet.url}/files/a"}]
    page = archives.ckan(internet, "snow", resources, at="2022-01-02T03:04:05")
    with pytest.raises(NotAllowed, match="is inside a network"):
        await repositories.resolve(parse_pasted(page).spec)


async def test_a_site_says_from_where_records_come(internet: Internet, tmp_path: Path) -> None:
    archives.zenodo(internet, 301, {"README.md": README})
    elsewhere = cache(tmp_path / "cache", internet, allowed=["github.com"])
    with pytest.raises(NotAllowed, match="takes no repositories from"):
        await elsewhere.resolve(parse_pasted("10.5281/zenodo.301").spec)


@pytest.mark.parametrize(
    ("reply", "sentence"),
    [
        (Reply(status=404), "has nothing public at"),
        (Reply(status=429), "is busy"),
        (Reply(status=500), "has trouble of its own"),
        (Reply(b"<html>"), "not understood"),
    ],
)
async def test_what_an_archive_answers_is_said(
    reply: Reply, sentence: str, internet: Internet, repositories: Repositories
) -> None:
    internet.says("/zenodo/api/records/301", reply)
    with pytest.raises(UserError, match=sentence) as refused:
        await repositories.resolve(parse_pasted("10.5281/zenodo.301").spec)
    assert refused.value.advice
