"""Records of archives become commits, against a double of the archives' APIs."""

from __future__ import annotations

from pathlib import Path

import pytest
from doubles import archives
from doubles.archives import Internet, Reply, md5, moved
from repos.forge import Forge, git
from repos.records import cache, files_of

from hpcbinderhub.errors import NotFound
from hpcbinderhub.repos.pasted import parse_pasted
from hpcbinderhub.repos.repositories import Repositories

README, NOTEBOOK = b"Read me.\r\n", b'{"cells": []}'
RESOURCE = "8f7c2f0341ef4180b0dbe97f59130756"


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
