"""`hpcbinderhub builds`, `queue` and `people`, as an admin types them."""

from __future__ import annotations

import pytest
from cluster.person import Person
from cluster.rig import eventually
from service.commands import hpcbinderhub
from service.repository import ServedRepository
from service.running import RunningService

pytestmark = pytest.mark.slow


def ask(person: Person, repository: ServedRepository) -> str:
    """Have what is new in a repository built; the build."""
    made = person.call("POST", "api/builds", {"repository": repository.url}).json()
    return str(made["build"]["id"])


def state(person: Person, build: str) -> str:
    return str(person.call("GET", f"api/builds/{build}").json()["state"])


def test_an_admin_pauses_the_queue_and_changes_its_order(
    alice: Person, bob: Person, carol: Person, repository: ServedRepository
) -> None:
    why = "New disks until noon."
    paused = hpcbinderhub(carol, "queue", "pause", "--why", why)
    assert paused == f"0 builds wait, 0 run.\nBuilds are paused: {why}\n"
    assert "needs the scope" in hpcbinderhub(alice, "queue", "go-on")
    first = ask(alice, repository)
    repository.commit("requirements.txt", "scipy\n")
    second = ask(bob, repository)
    assert "2 builds wait, 0 run." in hpcbinderhub(alice, "queue", "show")
    assert hpcbinderhub(carol, "builds", "prefer", second) == f"{second} is built next.\n"
    assert alice.call("GET", f"api/builds/{first}").json()["ahead"] == 1
    assert hpcbinderhub(carol, "builds", "cancel", first) == f"{first} is cancelled.\n"
    assert hpcbinderhub(carol, "queue", "go-on") == "1 builds wait, 0 run.\n"
    eventually(lambda: state(bob, second) == "done", 60, "the build is made")
    heading, *rows = hpcbinderhub(alice, "builds", "list").splitlines()
    assert heading.split() == ["BUILD", "STATE", "ASKED", "TOOK", "BY", "REPOSITORY"]
    assert [row.split()[:2] for row in rows] == [[second, "done"], [first, "failed"]]
    assert "bob" in rows[0]
    assert rows[0].endswith(f"{repository.url} at {repository_head(bob, second)}")
    (only,) = hpcbinderhub(alice, "builds", "list", "--state", "failed").splitlines()[1:]
    assert only.startswith(first)


def repository_head(person: Person, build: str) -> str:
    return str(person.call("GET", f"api/builds/{build}").json()["commit"])[:10]


def test_a_failed_build_is_read_tried_again_and_forgotten(
    alice: Person, carol: Person, service: RunningService, repository: ServedRepository
) -> None:
    service.builder.failure = {"cause": "no-solution", "message": "No versions fit."}
    failed = ask(alice, repository)
    eventually(lambda: state(alice, failed) == "failed", 60, "the build has failed")
    lines = hpcbinderhub(alice, "builds", "log", failed).splitlines()
    assert lines[0] == "Waiting for a builder."
    assert lines[-1] == "No versions fit."
    service.builder.failure = None
    again = hpcbinderhub(alice, "builds", "retry", failed)
    assert again.endswith(" builds the same commit again.\n")
    made = again.split()[0]
    eventually(lambda: state(alice, made) == "done", 60, "the build is made")
    assert hpcbinderhub(carol, "builds", "forget", failed) == f"{failed} is forgotten.\n"
    assert hpcbinderhub(alice, "builds", "log", failed).startswith("There is no such build.")


def test_an_admin_sees_who_uses_what(
    alice: Person, bob: Person, carol: Person, repository: ServedRepository
) -> None:
    alice.follow(alice.launch(repository.url))
    repository.commit("requirements.txt", "scipy\n")
    build = ask(bob, repository)
    eventually(lambda: state(bob, build) == "done", 60, "the build is made")
    heading, first, second = hpcbinderhub(carol, "people").splitlines()
    assert heading.split()[0] == "USER"
    assert (first.split()[:2], second.split()[:3]) == (["alice", "1"], ["bob", "0", "never"])
    assert "needs the scope" in hpcbinderhub(alice, "people")
