"""The REST API of our own: builds, images, launches, and what the site offers."""

from __future__ import annotations

from typing import Any

import pytest
from cluster.person import Person
from cluster.rig import eventually
from service.repository import ServedRepository
from service.running import RunningService

pytestmark = pytest.mark.slow


def build(person: Person, repository: ServedRepository, **more: Any) -> dict[str, Any]:
    """Ask for a build; the answer."""
    body = {"repository": repository.url, **more}
    answer = person.call("POST", "api/builds", body)
    assert answer.status_code in (200, 201), answer.text
    made: dict[str, Any] = answer.json()
    return made


def finished(person: Person, build: str) -> dict[str, Any]:
    """The build, once it is over."""

    def look() -> dict[str, Any] | None:
        shown: dict[str, Any] = person.call("GET", f"api/builds/{build}").json()
        return shown if shown["finished"] else None

    shown: dict[str, Any] = eventually(look, 20, "the build is over")
    return shown


def test_an_environment_is_built_once_and_again_only_by_force(
    alice: Person, bob: Person, repository: ServedRepository
) -> None:
    first = build(alice, repository)
    assert first["commit"] == repository.head
    assert first["artefact"] is None
    shown = finished(alice, first["build"]["id"])
    assert (shown["state"], shown["attempt"]) == ("done", 1)
    assert shown["phases"][-1] == "built"

    second = build(bob, repository)
    assert (second["build"], second["artefact"]) == (None, first["build"]["key"])
    third = build(bob, repository, force=True)
    assert third["build"]["id"] != first["build"]["id"]
    finished(bob, third["build"]["id"])

    query = f"api/builds?repo_url={repository.url}"
    listed = [entry["id"] for entry in alice.call("GET", query).json()]
    assert listed == [third["build"]["id"], first["build"]["id"]]
    oldest = alice.call("GET", f"{query}&before={third['build']['created']}").json()
    assert [entry["id"] for entry in oldest] == [first["build"]["id"]]
    assert alice.call("GET", f"{query}&state=failed").json() == []


def test_a_log_is_text_for_whoever_likes_it_so(alice: Person, repository: ServedRepository) -> None:
    made = build(alice, repository)["build"]["id"]
    finished(alice, made)
    answer = alice.call("GET", f"api/builds/{made}/log")
    assert answer.headers["content-type"].startswith("text/plain")
    assert "Collecting numpy\n" in answer.text
    told = [event["message"] for event in alice.build_log(made)]
    assert answer.text.splitlines() == told


def test_a_cancelled_build_says_who_did_it_and_can_be_tried_again(
    alice: Person, carol: Person, service: RunningService, repository: ServedRepository
) -> None:
    service.tell(service.builder.free.clear)
    made = build(alice, repository)["build"]["id"]
    assert alice.call("POST", f"api/builds/{made}/cancel").status_code == 403
    assert alice.call("POST", f"api/builds/{made}/retry").status_code == 409
    cancelled = carol.call("POST", f"api/builds/{made}/cancel").json()
    assert cancelled["state"] == "failed"
    assert cancelled["failure"]["message"] == "The build was cancelled by carol."
    assert alice.build_log(made)[-1]["phase"] == "failed"
    assert carol.call("POST", f"api/builds/{made}/cancel").status_code == 409

    service.tell(service.builder.free.set)
    again = alice.call("POST", f"api/builds/{made}/retry")
    assert again.status_code == 201
    assert again.json()["id"] != made
    assert finished(alice, again.json()["id"])["state"] == "done"


def test_only_what_is_over_and_has_no_image_is_forgotten(
    alice: Person, carol: Person, service: RunningService, repository: ServedRepository
) -> None:
    service.builder.failure = {"cause": "postbuild", "message": "No.", "advice": "Mend it."}
    failed = build(alice, repository)["build"]["id"]
    finished(alice, failed)
    service.builder.failure = None
    kept = build(alice, repository)["build"]["id"]
    finished(alice, kept)
    assert alice.call("DELETE", f"api/builds/{failed}").status_code == 403
    assert carol.call("DELETE", f"api/builds/{kept}").status_code == 409
    assert carol.call("DELETE", f"api/builds/{failed}").status_code == 204
    for path in (f"api/builds/{failed}", f"api/builds/{failed}/log"):
        assert carol.call("GET", path).status_code == 404


def test_images_say_what_they_cost_and_who_needs_them(
    alice: Person, repository: ServedRepository
) -> None:
    launch = alice.launch(repository.url)
    assert alice.follow(launch)["phase"] == "ready"
    (image,) = [
        image
        for image in alice.call("GET", "api/images").json()
        if image["repo_url"] == repository.url
    ]
    assert (image["size"], image["launches"], image["commit"]) == (6, 1, repository.head)
    shown = alice.call("GET", f"api/launches/{launch}").json()
    assert shown["created"] <= image["last_launch"] <= shown["changed"]


def test_launches_are_their_owners(
    alice: Person, bob: Person, repository: ServedRepository
) -> None:
    launch = alice.launch(repository.url, minutes=30)
    alice.follow(launch)
    (mine,) = alice.call("GET", "api/launches?limit=1").json()
    assert (mine["id"], mine["state"], mine["minutes"]) == (launch, "ready", 30)
    assert launch not in [entry["id"] for entry in bob.call("GET", "api/launches").json()]


def test_what_the_site_offers(alice: Person, service: RunningService) -> None:
    profiles = alice.call("GET", "api/profiles").json()
    assert [profile["name"] for profile in profiles] == ["interactive", "regular"]
    assert profiles[0]["hides_home"] is True
    limits = alice.call("GET", "api/limits").json()
    assert limits["accounts"] == ["geo"]
    assert limits["build_seconds"] == service.site.build_seconds


@pytest.mark.parametrize(
    ("query", "words"), [("limit=0", "limit"), ("state=x", "state"), ("before=soon", "before")]
)
def test_a_query_that_cannot_be_is_explained(query: str, words: str, alice: Person) -> None:
    answer = alice.call("GET", f"api/builds?{query}")
    assert answer.status_code == 400
    assert answer.json()["message"].startswith(words)
