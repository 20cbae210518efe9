"""Which builds there are for which commits, and what a builder is sent of each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from cluster.person import Person
from cluster.rig import eventually
from service import stream
from service.repository import ServedRepository
from service.running import RunningService
from service.worker import TOKENS, PlayedWorker

pytestmark = pytest.mark.slow


@pytest.fixture
def service(start_service: Callable[..., RunningService]) -> RunningService:
    """A service whose builds a test makes."""
    made = start_service(worker_tokens=TOKENS, lease_seconds=300)
    made.do(made.hold_builder())
    return made


@pytest.fixture
def worker(service: RunningService) -> PlayedWorker:
    return PlayedWorker(service)


def build(person: Person, repository: ServedRepository, **more: Any) -> dict[str, Any]:
    """Have it built; what there is to it."""
    made: dict[str, Any] = person.call(
        "POST", "api/builds", {"repository": repository.url, **more}
    ).json()
    return made


def test_a_commit_that_changes_a_notebook_needs_no_build(
    alice: Person, worker: PlayedWorker, repository: ServedRepository
) -> None:
    asked = build(alice, repository)["build"]["id"]
    claimed = worker.claim()
    assert claimed["id"] == asked
    # Of two files, only the one is sent that the key covers.
    assert worker.files(asked).keys() == {"requirements.txt"}
    worker.finish(asked)
    repository.commit("analysis/index.ipynb", "{}")
    changed = build(alice, repository)
    assert changed["build"] is None
    last = alice.follow(alice.launch(repository.url))
    assert last["phase"] == "ready"
    repository.commit("requirements.txt", "scipy\n")
    assert build(alice, repository)["build"] is not None


def test_what_needs_the_whole_tree_is_sent_all_of_it(
    alice: Person, worker: PlayedWorker, repository: ServedRepository
) -> None:
    repository.commit(".gitattributes", "a.txt export-ignore\nb.txt export-subst\n")
    repository.commit("b.txt", "$Format:%H$")
    repository.commit("postBuild", "#!/bin/sh\n")
    first = build(alice, repository)["build"]["id"]
    worker.claim()
    files = worker.files(first)
    assert files.keys() == {"a.txt", "b.txt", "postBuild", "requirements.txt", ".gitattributes"}
    assert files["b.txt"] == b"$Format:%H$"
    worker.finish(first)
    repository.commit("index.ipynb", "{}")
    assert build(alice, repository)["build"] is not None


def test_what_a_few_files_cannot_make_is_tried_once_with_the_whole_tree(
    alice: Person, bob: Person, worker: PlayedWorker, repository: ServedRepository
) -> None:
    launch = alice.launch(repository.url)
    worker.claim()
    reduced = alice.call("GET", f"api/launches/{launch}").json()["build"]
    worker.fail(reduced, "internal")
    whole = worker.claim()
    assert whole["commit"] == repository.head
    assert worker.files(whole["id"]).keys() == {"a.txt", "requirements.txt"}
    worker.finish(whole["id"])
    events = list(alice.events(launch))
    assert events[-1]["phase"] == "ready"
    told = [event["message"] for event in events if event.get("notice")]
    assert told == ["It did not work. It is tried once with the whole repository."]

    # The next commit with the same recipe does not fail first.
    repository.commit("index.ipynb", "{}")
    again = build(bob, repository)["build"]["id"]
    assert worker.claim()["id"] == again
    assert "index.ipynb" in worker.files(again)
    worker.fail(again, "internal")
    assert "instead" not in alice.call("GET", f"api/builds/{again}").json()["failure"]


def test_what_the_whole_tree_does_not_mend_was_not_for_want_of_files(
    alice: Person, worker: PlayedWorker, repository: ServedRepository
) -> None:
    launch = alice.launch(repository.url)
    worker.fail(worker.claim()["id"], "package-not-found")
    worker.fail(worker.claim()["id"], "package-not-found")
    assert alice.follow(launch)["message"] == "It did not work."
    again = build(alice, repository)["build"]["id"]
    assert worker.claim()["id"] == again
    assert worker.files(again).keys() == {"requirements.txt"}


def test_whoever_follows_a_build_follows_the_one_that_is_made_instead(
    alice: Person, worker: PlayedWorker, repository: ServedRepository
) -> None:
    reduced = build(alice, repository)["build"]["id"]
    worker.claim()
    worker.fail(reduced, "package-build")
    worker.finish(worker.claim()["id"])
    since = f"build:{reduced}:0"
    told = stream.build(alice, repository.spec(), since, build_only="true")
    phases = [event["phase"] for event in told]
    assert phases[-1] == "built"
    assert "failed" not in phases


@pytest.mark.parametrize("cause", ["out-of-memory", "timeout", "no-space"])
def test_what_more_files_would_not_mend_is_not_tried_with_them(
    cause: str, alice: Person, worker: PlayedWorker, repository: ServedRepository
) -> None:
    asked = build(alice, repository)["build"]["id"]
    worker.claim()
    worker.fail(asked, cause)
    builds = alice.call("GET", f"api/builds?repo_url={repository.url}").json()
    assert [one["id"] for one in builds] == [asked]


def test_a_build_for_what_the_site_no_longer_builds_on_is_asked_for_anew(
    alice: Person,
    start_service: Callable[..., RunningService],
    worker: PlayedWorker,
    repository: ServedRepository,
) -> None:
    launch = alice.launch(repository.url)
    before = build(alice, repository)["build"]["id"]
    path = f"api/launches/{launch}"
    eventually(lambda: alice.call("GET", path).json()["build"] == before, 60, "it waits for that")
    service = start_service(worker_tokens=TOKENS, base_image="docker.io/library/debian:trixie")
    service.do(service.hold_builder())
    worker = PlayedWorker(service)
    assert worker.claim()["id"] == before
    assert worker.context(before).status_code == 409
    after = worker.claim()["id"]
    assert after != before
    assert worker.files(after).keys() == {"requirements.txt"}
    worker.finish(after)
    assert alice.follow(launch)["phase"] == "ready"
