"""Workspaces over the API: what there is, what a launch would meet, what is deleted."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cluster.person import Person
from service.browser import Browser
from service.repository import ServedRepository
from service.running import RunningService
from service.shelf import git, make_workspace

from hpcbinderhub.launches.options import parse_options
from hpcbinderhub.launches.origin import check_origin

pytestmark = pytest.mark.slow


@pytest.fixture
def workspace(alice: Person, service: RunningService, repository: ServedRepository) -> Path:
    """Alice's workspace of the repository's branch, which no server works in any more."""
    launch = alice.launch(repository.url, ref="main")
    assert alice.follow(launch)["phase"] == "ready"
    stop_all(alice)
    return make_workspace(service, launch)


def stop_all(person: Person) -> None:
    for server in person.servers():
        person.stop(server)


def listed(person: Person) -> list[dict[str, Any]]:
    answer = person.call("GET", "api/workspaces")
    assert answer.status_code == 200, answer.text
    return list(answer.json()["workspaces"])


def opening(person: Person, repository: ServedRepository, ref: str = "main") -> dict[str, Any]:
    answer = person.call("GET", f"api/opening?repository={repository.url}&ref={ref}")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def test_a_workspace_is_its_owners_alone(
    alice: Person, bob: Person, workspace: Path, repository: ServedRepository
) -> None:
    (found,) = listed(alice)
    assert found["path"] == str(workspace)
    assert (found["repo_url"], found["branch"]) == (repository.url, "main")
    assert (found["commit"], found["changes"]) == (repository.head, 0)
    assert (found["unshared"], found["whole"]) == (0, True)
    assert found["size"] > 0
    assert found["server"] is None
    assert found["purge"] is None
    assert listed(bob) == []
    assert bob.call("DELETE", f"api/workspaces/{workspace.parent.name}").status_code == 404


def test_deleting_what_is_saved_nowhere_else_must_be_meant(alice: Person, workspace: Path) -> None:
    (workspace / "mine.txt").write_text("mine\n")
    refused = alice.call("DELETE", f"api/workspaces/{workspace.parent.name}")
    assert refused.status_code == 409
    assert refused.json()["message"].startswith("This workspace holds work that is nowhere else")
    assert refused.json()["detail"].startswith("1 changed or new files")
    assert (
        alice.call("DELETE", f"api/workspaces/{workspace.parent.name}?force=true").status_code
        == 204
    )
    assert listed(alice) == []
    assert alice.call("DELETE", f"api/workspaces/{workspace.parent.name}").status_code == 404


def test_a_workspace_that_a_server_works_in_stays(
    alice: Person, workspace: Path, repository: ServedRepository
) -> None:
    alice.follow(alice.launch(repository.url, ref="main"))
    (found,) = listed(alice)
    assert found["server"] == workspace.parent.name
    refused = alice.call("DELETE", f"api/workspaces/{workspace.parent.name}?force=true")
    assert (refused.status_code, refused.json()["advice"][:13]) == (409, "Stop it first")
    stop_all(alice)
    assert alice.call("DELETE", f"api/workspaces/{workspace.parent.name}").status_code == 204


def test_a_purge_is_told_of_in_time(
    start_service: Callable[..., RunningService], alice: Person, workspace: Path
) -> None:
    long_ago = time.time() - 80 * 24 * 3600
    for folder, _, files in os.walk(workspace.parent):
        for name in (*files, "."):
            os.utime(Path(folder, name), (long_ago, long_ago), follow_symlinks=False)
    service = start_service(workspace_purge_days=90)
    (found,) = listed(alice)
    # It was launched just now, whatever its files' times say.
    assert not found["purge_soon"]
    assert found["purge"] == pytest.approx(found["last_used"] + 90 * 24 * 3600)
    workspace.parent.rename(workspace.parent.with_name("tides-kept"))
    (found,) = listed(alice)
    assert found["purge_soon"]
    assert found["last_used"] == pytest.approx(long_ago, abs=1)
    assert service.site.workspace_purge_notice_days == 14


def test_a_quota_that_is_nearly_used_up_is_told_of(
    start_service: Callable[..., RunningService], alice: Person, workspace: Path, tmp_path: Path
) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "quota").write_text("#!/bin/sh\necho 'nfs:/home 950 1000 1200 0 12 0 0 0'\n")
    (programs / "quota").chmod(0o755)
    assert not alice.call("GET", "api/workspaces").json()["storage"]["personal"]
    start_service(slurm_path=[str(programs), "/usr/bin", "/bin"])
    storage = alice.call("GET", "api/workspaces").json()["storage"]
    assert storage == {"used": 972800, "limit": 1024000, "personal": True, "nearly_full": True}
    browser = Browser(alice.url)
    browser.follow("/services/binder/login")
    page = browser.client.get("/services/binder/mine/workspaces").text
    assert "Your quota is nearly used up." in page
    assert "972.8 kB of 1.0 MB are used" in page


def test_there_is_nothing_to_ask_without_a_workspace_or_at_its_own_commit(
    alice: Person, bob: Person, workspace: Path, repository: ServedRepository
) -> None:
    assert opening(bob, repository)["choices"] == []
    (workspace / "mine.txt").write_text("mine\n")
    assert opening(alice, repository)["choices"] == []


def test_a_clean_workspace_may_be_fast_forwarded(
    alice: Person, workspace: Path, repository: ServedRepository
) -> None:
    wanted = repository.commit("more.txt", "more\n")
    found = opening(alice, repository)
    assert found["choices"] == ["keep", "update"]
    assert (found["name"], found["commit"]) == (workspace.parent.name, repository.head)
    assert found["wanted"] == wanted


@pytest.mark.parametrize("what", ["changed", "new", "committed", "on another branch"])
def test_what_a_fast_forward_could_touch_is_offered_another_workspace(
    what: str, alice: Person, workspace: Path, repository: ServedRepository
) -> None:
    repository.commit("more.txt", "more\n")
    (workspace / ("notes.txt" if what == "new" else "requirements.txt")).write_text("mine\n")
    if what == "committed":
        git(workspace, "commit", "--quiet", "--all", "--message", "Mine")
    if what == "on another branch":
        git(workspace, "checkout", "--quiet", "--force", "-b", "mine")
    assert opening(alice, repository)["choices"] == ["keep", "beside"]


def test_an_older_commit_is_no_step_forward(
    alice: Person, workspace: Path, repository: ServedRepository
) -> None:
    newer = repository.commit("more.txt", "more\n")
    git(workspace, "fetch", "--quiet", repository.url, newer)
    git(workspace, "merge", "--quiet", "--ff-only", newer)
    assert opening(alice, repository, ref=repository.head)["choices"] == ["keep", "beside"]


def test_a_launch_says_what_becomes_of_the_workspace(
    alice: Person, service: RunningService, workspace: Path, repository: ServedRepository
) -> None:
    def launched(**more: Any) -> dict[str, Any]:
        launch = alice.launch(repository.url, ref="main", **more)
        alice.follow(launch)
        server = alice.servers()[0]
        hub = alice.hub("GET", "users/alice").json()["servers"][server]
        stop_all(alice)
        shown = alice.call("GET", f"api/launches/{launch}").json()
        options = hub["user_options"]
        check_origin(parse_options(options), Path(service.site.state_dir))
        assert (shown["workspace"], shown["existing"]) == (
            options["workspace"],
            options["existing"],
        )
        return dict(options)

    assert launched()["existing"] == "keep"
    assert launched(existing="update")["workspace"] == workspace.parent.name
    beside = launched(existing="beside")["workspace"]
    assert beside.startswith(f"{workspace.parent.name}-")
    refused = alice.call("POST", "api/launches", {"repository": repository.url, "existing": "eat"})
    assert refused.status_code == 400


def test_what_was_stopped_goes_on_at_its_commit_and_in_its_workspace(
    alice: Person, bob: Person, service: RunningService, repository: ServedRepository
) -> None:
    first = alice.launch(repository.url, ref="main", minutes=30, existing="beside")
    alice.follow(first)
    assert alice.call("POST", f"api/launches/{first}/again").status_code == 409
    stop_all(alice)
    repository.commit("more.txt", "more\n")
    assert bob.call("POST", f"api/launches/{first}/again").status_code == 404
    answer = alice.call("POST", f"api/launches/{first}/again")
    assert answer.status_code == 201
    assert alice.follow(answer.json()["id"])["phase"] == "ready"
    before = alice.call("GET", f"api/launches/{first}").json()
    after = alice.call("GET", f"api/launches/{answer.json()['id']}").json()
    for same in ("commit", "workspace", "minutes", "profile", "spec"):
        assert after[same] == before[same], same
    assert after["existing"] == "keep"
