"""The REST API of our own: builds, images, launches, and what the site offers."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import httpx
import pytest
from cluster.person import Person
from cluster.rig import eventually
from doubles import archives
from service import stream
from service.repository import ServedRepository
from service.running import RunningService
from traitlets.config import Config

from hpcbinderhub.events.records import forget_events

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

    shown: dict[str, Any] = eventually(look, 60, "the build is over")
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


def test_an_earlier_commit_of_a_branch_is_built_again(
    alice: Person, repository: ServedRepository
) -> None:
    repository.commit("more.txt", "more\n")
    made = build(alice, repository, ref="main", commit=repository.head)["build"]
    assert (made["commit"], made["ref"]) == (repository.head, "main")


def test_an_archives_record_is_built_as_any_repository_is(alice: Person) -> None:
    with archives.serve() as internet:
        internet.says("/files/requirements.txt", b"numpy\n")
        resource = {"id": "r", "url": f"{internet.url}/files/requirements.txt"}
        page = archives.ckan(internet, "rain", [resource], at="2022-01-02T03:04:05")
        made = alice.call("POST", "api/builds", {"repository": page}).json()
        shown = finished(alice, made["build"]["id"])
    assert (shown["state"], shown["repo_url"], shown["ref"]) == ("done", page, "HEAD")
    assert shown["commit"] == made["commit"]


def test_a_log_is_text_for_whoever_likes_it_so(alice: Person, repository: ServedRepository) -> None:
    made = build(alice, repository)["build"]["id"]
    finished(alice, made)
    answer = alice.call("GET", f"api/builds/{made}/log")
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.headers["cache-control"] == "no-store"
    assert "Collecting numpy\n" in answer.text
    told = [event["message"] for event in alice.build_log(made)]
    assert answer.text.splitlines() == told


def test_who_has_read_a_log_to_its_end_is_told_not_to_come_back(
    alice: Person, service: RunningService, repository: ServedRepository
) -> None:
    launch = alice.launch(repository.url)
    alice.follow(launch)
    build = alice.call("GET", f"api/launches/{launch}").json()["build"]
    told = alice.build_log(build)

    def ask(path: str, after: str) -> httpx.Response:
        headers = {"Authorization": f"Bearer {alice.token}", "Last-Event-ID": after}
        return httpx.get(f"{service.url}/{path}/events", headers=headers, timeout=60)

    for path in (f"api/builds/{build}", f"api/launches/{launch}"):
        assert ask(path, "999999999").status_code == 204
        # What no stream can have come to is no number at all.
        for no_number in ("9" * 19, "9" * 5000, "-1"):
            assert ask(path, no_number).text.count("data: ") > 1
    assert ask(f"api/builds/{build}", str(told[-1]["number"])).status_code == 204

    service.do(service.services.database.run(forget_events, f"build:{build}"))
    for gone in (ask(f"api/builds/{build}", ""), alice.call("GET", f"api/builds/{build}/log")):
        assert gone.status_code == 404
        assert gone.json()["message"] == "The log of this build is gone."


def test_nobody_follows_more_than_the_site_allows(
    people: dict[str, Person],
    start_service: Callable[..., RunningService],
    repository: ServedRepository,
) -> None:
    alice, bob = people["alice"], people["bob"]
    service = start_service(streams_per_user=2)
    service.tell(service.builder.free.clear)
    made = build(alice, repository)["build"]["id"]
    url = f"{service.url}/api/builds/{made}/events"

    def follow(person: Person) -> AbstractContextManager[httpx.Response]:
        headers = {"Authorization": f"Bearer {person.token}"}
        return httpx.stream("GET", url, headers=headers, timeout=60)

    with follow(alice), follow(alice):
        with follow(alice) as refused:
            assert refused.status_code == 429
            assert refused.headers["Retry-After"] == "60"
            assert "You follow 2 builds and launches already" in refused.read().decode()
        (event,) = stream.build(alice, repository.spec(), build_only="true")
        assert event["status_code"] == 429
        with follow(bob) as told:
            assert told.status_code == 200

    def another() -> bool:
        with follow(alice) as told:
            return told.status_code == 200

    eventually(another, 60, "there is room again")
    service.tell(service.builder.free.set)


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
    assert (limits["default_account"], limits["default_qos"]) == ("geo", {"geo": "normal"})
    assert limits["accounts"] == ["geo"]
    assert limits["build_seconds"] == service.site.build_seconds


@pytest.mark.parametrize(
    ("query", "words"), [("limit=0", "limit"), ("state=x", "state"), ("before=soon", "before")]
)
def test_a_query_that_cannot_be_is_explained(query: str, words: str, alice: Person) -> None:
    answer = alice.call("GET", f"api/builds?{query}")
    assert answer.status_code == 400
    assert answer.json()["message"].startswith(words)


def test_a_paused_queue_says_why_and_goes_on_when_an_admin_says_so(
    alice: Person, carol: Person, service: RunningService, repository: ServedRepository
) -> None:
    paused = carol.call("POST", "api/queue/pause", {"why": "New disks until noon."}).json()
    assert (paused["paused"], paused["held_up"]) == (
        True,
        "Builds are paused: New disks until noon.",
    )
    assert alice.call("POST", "api/queue/pause", {}).status_code == 403
    waiting = build(alice, repository)["build"]["id"]
    shown = alice.call("GET", f"api/builds/{waiting}").json()
    assert (shown["state"], shown["ahead"]) == ("queued", 0)
    assert shown["held_up"] == "Builds are paused: New disks until noon."
    assert alice.call("GET", "api/queue").json()["queued"] == 1
    gone_on = carol.call("DELETE", "api/queue/pause").json()
    assert gone_on["paused"] is False
    assert finished(alice, waiting)["state"] == "done"
    assert alice.call("GET", f"api/builds/{waiting}").json()["ahead"] is None


def test_the_queue_says_who_comes_first_and_an_admin_changes_it(
    alice: Person, bob: Person, carol: Person, service: RunningService, repository: ServedRepository
) -> None:
    carol.call("POST", "api/queue/pause", {})
    builds = []
    for number, person in enumerate((alice, alice, bob)):
        commit = repository.commit("requirements.txt", f"# {repository.head} {number}\n")
        builds.append(build(person, repository, ref=commit)["build"]["id"])

    def places() -> list[int]:
        return [alice.call("GET", f"api/builds/{one}").json()["ahead"] for one in builds]

    assert places() == [0, 2, 1], "bob's one goes before alice's second"
    assert carol.call("POST", f"api/builds/{builds[1]}/prefer").json()["priority"] == 0
    assert places() == [1, 0, 2]
    assert bob.call("POST", f"api/builds/{builds[2]}/prefer").status_code == 403
    carol.call("DELETE", "api/queue/pause")
    for one in builds:
        finished(alice, one)
    assert carol.call("POST", f"api/builds/{builds[1]}/prefer").status_code == 409


def test_builders_that_are_short_of_disk_say_so(
    alice: Person,
    start_service: Callable[..., RunningService],
    repository: ServedRepository,
) -> None:
    token = "a worker's token"
    digest = hashlib.sha256(token.encode()).hexdigest()
    service = start_service(worker_tokens={"node": digest})
    service.do(service.hold_builder())
    waiting = build(alice, repository)["build"]["id"]
    claim = f"{service.direct_url}/services/binder/api/worker/claim"
    bearer = {"Authorization": f"Bearer {token}"}
    sentence = "Builders are short of disk space; builds wait until there is more."
    refused = httpx.post(claim, json={"short": sentence}, headers=bearer)
    assert refused.status_code == 204
    assert alice.call("GET", f"api/builds/{waiting}").json()["held_up"] == sentence
    claimed = httpx.post(claim, json={}, headers=bearer).json()
    assert claimed["id"] == waiting
    assert alice.call("GET", "api/queue").json()["held_up"] == ""


def test_builders_that_cannot_be_asked_for_are_told_of(
    alice: Person,
    start_service: Callable[..., RunningService],
    repository: ServedRepository,
) -> None:
    # The login node of these tests knows people, and takes no jobs.
    jobs = {"user": "builder", "command": ["hpcbinderhub", "worker"]}
    service = start_service(config=Config(BuildJobs=jobs), watch_seconds=0.2)
    service.do(service.hold_builder())
    waiting = build(alice, repository)["build"]["id"]
    begins = "No builder could be started. The cluster refused the request. The next try is in"
    held_up = lambda: alice.call("GET", f"api/builds/{waiting}").json()["held_up"]  # noqa: E731
    eventually(lambda: held_up().startswith(begins), 60, "it is told to those who wait")
    health = alice.call("GET", "health").json()
    (row,) = [row for row in health["checks"] if row["service"] == "Build workers"]
    assert row["message"].startswith(begins)
    assert health["ok"]
    exchange = f"{service.direct_url}/services/binder/api/worker/token"
    assert httpx.post(exchange, json={"ticket": "any", "job": "1"}).status_code == 403
    assert httpx.post(exchange, json={"ticket": "", "job": "1"}).status_code == 403
    assert httpx.post(exchange, json={"ticket": "any", "job": "1 2"}).status_code == 400
    assert httpx.post(exchange, json={}).status_code == 400


def test_a_defect_of_ours_ends_a_launch_with_a_sentence(
    alice: Person,
    service: RunningService,
    repository: ServedRepository,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def broken(*_: Any) -> None:
        raise ValueError("a defect")

    monkeypatch.setattr(service.services.environments, "recipe", broken)
    event = alice.follow(alice.launch(repository.url))
    assert (event["phase"], event["message"]) == ("failed", "Something went wrong on our side.")
