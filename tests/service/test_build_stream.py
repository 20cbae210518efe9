"""`/build`: BinderHub's one request, against a real JupyterHub with simulated builds."""

from __future__ import annotations

import httpx
import pytest
from cluster.person import Person
from cluster.rig import eventually
from hpcbinderhub.services.binder.handlers import streams
from service import stream
from service.repository import ServedRepository
from service.running import RunningService

pytestmark = pytest.mark.slow


def phases(events: list[dict[str, object]]) -> list[object]:
    return list(dict.fromkeys(event["phase"] for event in events))


def test_a_token_launches_and_the_stream_tells_all_of_it(
    alice: Person, repository: ServedRepository, service: RunningService
) -> None:
    events = stream.build(alice, repository.spec("main"))
    assert phases(events) == [
        "fetching", "waiting", "building", "converting", "built", "launching", "ready",
    ]  # fmt: skip
    assert all(event["message"].endswith("\n") for event in events)
    assert "Collecting numpy\n" in [event["message"] for event in events]
    (built,) = [event for event in events if event["phase"] == "built"]
    ready = events[-1]
    assert built["imageName"] == ready["image"]
    assert ready == {
        "phase": "ready",
        "message": f"server running at {ready['url']}\n",
        "url": f"{alice.url}/user/alice/{alice.servers()[0]}/",
        "token": "",
        "image": ready["image"],
        "repo_url": repository.url,
        "binder_ref_url": f"{repository.url}/tree/{repository.head}",
        "binder_launch_host": f"{alice.url}/services/binder/",
        "binder_request": f"v2/{repository.spec('main')}",
        "binder_persistent_request": f"v2/{repository.spec(repository.head)}",
    }
    assert "here is" in httpx.get(ready["url"]).text


def test_the_same_environment_again_needs_no_build(
    alice: Person, repository: ServedRepository
) -> None:
    stream.build(alice, repository.spec(), build_only="true")
    assert phases(stream.build(alice, repository.spec())) == [
        "fetching", "built", "launching", "ready",
    ]  # fmt: skip


def test_what_runs_already_is_ready_at_once(
    alice: Person, repository: ServedRepository, service: RunningService
) -> None:
    first = stream.build(alice, repository.spec())
    again = stream.build(alice, repository.spec())
    assert (again[-1]["phase"], again[-1]["url"]) == ("ready", first[-1]["url"])
    assert len(alice.call("GET", "api/launches").json()) == 1


def test_build_only_ends_when_it_is_built_and_starts_nothing(
    alice: Person, repository: ServedRepository
) -> None:
    first = stream.build(alice, repository.spec(), build_only="true")
    assert phases(first) == ["fetching", "waiting", "building", "converting", "built"]
    assert first[-1]["imageName"].startswith("sha256:")
    again = stream.build(alice, repository.spec(), build_only="true")
    assert phases(again) == ["fetching", "built"]
    assert again[-1]["imageName"] == first[-1]["imageName"]
    assert alice.servers() == []


@pytest.mark.parametrize("build_only", ["", "true"])
def test_wherever_the_connection_breaks_nothing_is_missed_and_nothing_told_twice(
    build_only: str, alice: Person, repository: ServedRepository
) -> None:
    query = {"build_only": build_only} if build_only else {}
    whole = stream.numbered(alice, repository.spec(), **query)
    whole = [(name, event) for name, event in whole if name]
    assert len(whole) > 5
    for seen, (name, _) in enumerate(whole[:-1], start=1):
        assert stream.numbered(alice, repository.spec(), since=name, **query) == whole[seen:]
    assert len(alice.servers()) == (0 if build_only else 1)


def test_a_client_that_comes_back_after_the_end_is_told_to_stay_away(
    alice: Person, repository: ServedRepository
) -> None:
    *_, (last, _) = stream.numbered(alice, repository.spec())
    answer = httpx.get(
        f"{alice.url}/services/binder/build/{repository.spec()}",
        headers=stream.ACCEPT | {"Authorization": f"Bearer {alice.token}", "Last-Event-ID": last},
    )
    # An EventSource that gets 204 does not connect again.
    assert answer.status_code == 204


def test_a_launch_goes_on_without_its_client_and_across_a_restart(
    alice: Person, repository: ServedRepository, service: RunningService, start_service
) -> None:
    service.tell(service.builder.free.clear)
    url = f"{alice.url}/services/binder/build/{repository.spec()}"
    seen = []
    for name, event in stream.read(url, {"Authorization": f"Bearer {alice.token}"}):
        seen.append((name, event))
        if event["message"] == "Collecting numpy\n":
            break
    service.tell(service.builder.free.set)
    start_service()
    rest = stream.numbered(alice, repository.spec(), since=seen[-1][0])
    names = [name for name, _ in seen + rest]
    assert len(names) == len(set(names))
    assert rest[-1][1]["phase"] == "ready"
    assert len([event for _, event in seen + rest if event["phase"] == "built"]) == 1


def test_a_build_that_fails_ends_the_stream_with_all_that_is_known(
    alice: Person, repository: ServedRepository, service: RunningService
) -> None:
    service.builder.failure = {
        "cause": "no-solution",
        "message": "numpy and numpy contradict each other.",
        "advice": "Change one.",
        "lines": ["Because numpy==1 and numpy==2"],
    }
    words = "numpy and numpy contradict each other.\nChange one.\nBecause numpy==1 and numpy==2\n"
    for query in ({}, {"build_only": "true"}):
        events = stream.build(alice, repository.spec(), **query)
        assert [event for event in events if event["phase"] == "failed"] == [events[-1]]
        assert events[-1] == {"phase": "failed", "message": words, "status_code": 400}


def test_a_start_that_is_refused_ends_the_stream(
    alice: Person, repository: ServedRepository
) -> None:
    events = stream.build(alice, repository.spec(), filepath="refuse")
    assert events[-1]["phase"] == "failed"
    assert events[-1]["message"].startswith("The spawner refuses.\nAsk for another file.\n")


def test_what_is_wrong_with_a_request_is_an_event(
    alice: Person, repository: ServedRepository
) -> None:
    for spec, query, status, sentence in (
        ("git/nonsense/HEAD", {}, 400, "“nonsense” is not the address of a Git repository"),
        ("svn/x/y", {}, 400, "kind “svn”"),
        (repository.spec("a..b"), {}, 400, "cannot be the name of a branch"),
        (repository.spec("nothing"), {}, 404, "has no branch, tag or commit “nothing”"),
        (repository.spec(), {"time": "soon"}, 400, "time=soon in this address"),
        (repository.spec(), {"time": "9999"}, 400, "gives 1 to 240 minutes"),
        (repository.spec(), {"profile": "none"}, 403, "There is no profile “none” for you"),
        (repository.spec(), {"account": "other"}, 403, "may not charge"),
        (repository.spec(), {"nodes": "9", "profile": "regular"}, 400, "gives 1 to 4 nodes"),
    ):
        last = stream.build(alice, spec, **query)[-1]
        assert (last["phase"], last["status_code"]) == ("failed", status), last
        assert sentence in last["message"]
    assert alice.servers() == []


def test_a_links_words_reach_the_launch(alice: Person, repository: ServedRepository) -> None:
    query = {
        "profile": "regular",
        "account": "geo",
        "nodes": "2",
        "time": "30",
        "gpus": "1",
        "urlpath": "/lab/tree/notes/first one.ipynb",
        "build_token": "ignored",
    }
    (name, _), *_ = stream.numbered(alice, repository.spec(), **query)
    launch = alice.call("GET", f"api/launches/{name.split(':')[1]}").json()
    assert launch["profile"] == "regular"
    options = alice.hub("GET", "users/alice").json()["servers"][launch["server"]]["user_options"]
    wanted = {"account": "geo", "nodes": 2, "minutes": 30, "gpus": 1}
    assert wanted.items() <= options.items()
    assert options["open"] == "notes/first one.ipynb"


def test_somebody_elses_stream_does_not_exist(
    alice: Person, bob: Person, repository: ServedRepository
) -> None:
    (name, _), *_ = stream.numbered(alice, repository.spec())
    (event,) = stream.build(bob, repository.spec(), since=name)
    assert (event["phase"], event["status_code"]) == ("failed", 404)
    assert bob.servers() == []


def test_an_id_that_is_not_ours_starts_nothing(alice: Person, repository: ServedRepository) -> None:
    (name, _), *_ = stream.numbered(alice, repository.spec(), build_only="true")[1:]
    for since in ("17", "launch:x:1:1", name):
        (event,) = stream.build(alice, repository.spec(), since=since)
        assert (event["phase"], event["status_code"]) == ("failed", 400)
        assert "not from this stream" in event["message"]
    assert alice.servers() == []


def test_an_owner_who_is_away_spends_nothing_but_a_token_need_not_wait(
    alice: Person, repository: ServedRepository, service: RunningService
) -> None:
    service.tell(service.builder.free.clear)
    url = f"{alice.url}/services/binder/build/{repository.spec()}"
    events = stream.read(url, {"Authorization": f"Bearer {alice.token}"})
    next(events)
    events.close()
    service.tell(service.builder.free.set)
    eventually(lambda: alice.servers(), 60, "the server was started with nobody watching")


def test_a_stream_in_which_nothing_happens_gives_signs_of_life(
    alice: Person,
    repository: ServedRepository,
    service: RunningService,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert streams.KEEP_ALIVE_SECONDS == 10
    monkeypatch.setattr(streams, "KEEP_ALIVE_SECONDS", 0.1)
    service.tell(service.builder.free.clear)
    url = f"{alice.url}/services/binder/build/{repository.spec()}?build_only=true"
    headers = stream.ACCEPT | {"Authorization": f"Bearer {alice.token}"}
    with httpx.stream("GET", url, headers=headers) as answer:
        comments = (line for line in answer.iter_lines() if line.startswith(":"))
        assert [next(comments) for _ in range(3)] == [":keep-alive"] * 3
    service.tell(service.builder.free.set)
