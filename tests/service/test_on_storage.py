"""Repositories on the cluster's storage, launched by pasting their paths."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from cluster.person import Person
from repos.forge import git
from service.browser import Browser
from service.running import RunningService

pytestmark = pytest.mark.slow


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    """What the site reads."""
    (tmp_path / "scratch").mkdir()
    return tmp_path / "scratch"


@pytest.fixture
def service(start_service: Callable[..., RunningService], scratch: Path) -> RunningService:
    return start_service(repository_paths=[str(scratch)])


@pytest.fixture
def work(scratch: Path) -> Path:
    """A clone there, with a file that its owner has not committed yet."""
    git(scratch, "init", "--quiet", "--initial-branch=main", "my soundings")
    work = scratch / "my soundings"
    commit(work, "requirements.txt")
    (work / "new.txt").write_text("not committed\n")
    return work


def commit(work: Path, name: str) -> str:
    (work / name).write_text("numpy\n")
    git(work, "add", name)
    git(work, "commit", "--quiet", "--message", f"Change {name}")
    return git(work, "rev-parse", "HEAD")


def build(person: Person, path: Path, **more: Any) -> dict[str, Any]:
    """Ask for a build of a path, or be told why not."""
    answer: dict[str, Any] = person.call(
        "POST", "api/builds", {"repository": str(path), **more}
    ).json()
    return answer


def test_a_path_is_launched_as_whoever_pastes_it(
    alice: Person, service: RunningService, work: Path
) -> None:
    head = git(work, "rev-parse", "HEAD")
    launch = alice.launch(str(work))
    assert alice.follow(launch)["phase"] == "ready"
    shown = alice.call("GET", f"api/launches/{launch}").json()
    assert (shown["commit"], shown["private"]) == (head, True)
    assert shown["spec"] == f"path/{quote(str(work), safe='')}/HEAD"
    assert set(service.members.read_as) == {"alice"}
    page = Browser(alice.url)
    page.follow("/services/binder/login")
    shared = page.client.get(f"/services/binder/v2/{shown['spec']}").text
    assert f"<code>{work}</code>" in shared
    assert f'href="{work}"' not in shared


def test_every_reader_reads_for_herself(
    alice: Person, bob: Person, service: RunningService, work: Path, tmp_path: Path
) -> None:
    first = build(alice, work)["build"]
    assert first["reader"] == "alice"
    assert build(bob, work)["build"]["key"] != first["key"]
    assert bob.call("GET", f"api/builds/{first['id']}").status_code == 404
    assert service.members.read_as == ["alice", "alice", "bob", "bob"]

    assert alice.build_log(first["id"])[-1]["phase"] == "built"
    content = alice.call("GET", f"api/images/{first['key']}/content")
    (tmp_path / "bundle").write_bytes(content.content)
    git(tmp_path, "clone", "--quiet", "bundle", "got", "--branch=hpcbinder")
    assert git(tmp_path / "got", "ls-files") == "requirements.txt"
    assert git(tmp_path / "got", "rev-parse", "HEAD") == git(work, "rev-parse", "HEAD")


def test_each_launch_looks_anew_and_old_commits_stay(
    alice: Person, service: RunningService, work: Path
) -> None:
    first = build(alice, work, ref="main")["commit"]
    second = commit(work, "b.txt")
    assert build(alice, work, ref="master")["commit"] == second
    assert build(alice, work, ref=first[:9])["commit"] == first
    refused = build(alice, work, ref="nothing")
    assert refused["message"] == f"{work} has no branch, tag or commit “nothing”."
    work.rename(work.with_name("elsewhere"))
    refused = build(alice, work, ref=first)
    assert refused["message"] == "This repository on the cluster's storage cannot be read."
    assert refused["detail"] == f"{work} is not a Git repository."


def test_where_a_site_does_not_read_it_says_so(
    alice: Person,
    service: RunningService,
    work: Path,
    tmp_path: Path,
    start_service: Callable[..., RunningService],
) -> None:
    outside = f"{tmp_path}/scratch-of-others/repository"
    refused = build(alice, Path(outside))
    assert refused["message"] == f"This site reads no repositories at {outside}."
    assert refused["advice"] == f"Clone it to somewhere below {tmp_path}/scratch."
    assert service.members.read_as == []
    start_service(push_mb=0, repository_paths=[str(tmp_path)])
    assert build(alice, work)["detail"] == "It has more than 0 MiB."
    start_service()
    refused = build(alice, work)
    assert refused["message"] == "This site reads no repositories from the cluster's storage."
    assert "hpcbinderhub push" in refused["advice"]
