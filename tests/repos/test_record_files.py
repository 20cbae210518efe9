"""The files of a record: what is unpacked, and what is refused."""

from __future__ import annotations

import io
import stat
import tarfile
import zipfile
from pathlib import Path

import pytest
from doubles import archives
from doubles.archives import Internet, Reply, moved
from repos.records import cache, files_of

from hpcbinderhub.errors import NotAllowed, UserError
from hpcbinderhub.repos.pasted import parse_pasted
from hpcbinderhub.repos.repositories import Repositories

README, NOTEBOOK = b"Read me.\r\n", b'{"cells": []}'


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
