"""What a worker says is taken within limits, or refused; whoever is no worker says nothing."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from cluster.person import Person
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from images.bills.bills import bill
from service.raw import ask
from service.repository import ServedRepository
from service.running import RunningService

from hpcbinderhub.images.bills.lock import Lock as BuildLock
from hpcbinderhub.images.bills.model import Package

pytestmark = pytest.mark.slow

TOKEN = "a worker's token"
KEY = "a" * 64
PACKAGE = {"kind": "pypi", "name": "six", "version": "1.17.0"}
BILL = bill(Package(**PACKAGE)).model_dump(mode="json")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda some: st.lists(some, max_size=4) | st.dictionaries(st.text(max_size=8), some),
    max_leaves=8,
)
LINES = st.lists(
    st.fixed_dictionaries(
        {"phase": st.sampled_from(["building", "pushing", "failed", ""]), "message": st.text()}
    ),
    max_size=5,
)
BODIES = st.one_of(
    st.binary(max_size=40),
    JSON.map(json.dumps).map(str.encode),
    st.fixed_dictionaries({"lines": LINES}).map(json.dumps).map(str.encode),
    st.fixed_dictionaries({"artefact": st.just(KEY), "size": st.integers()})
    .map(json.dumps)
    .map(str.encode),
    st.sampled_from([b"[" * 10_000, b'{"short":' * 10_000, b'{"lines":[]}', b"\xff", b"{}"]),
)


class Worker:
    """One that may say whatever it likes, since nothing else builds."""

    def __init__(self, service: RunningService):
        self.service = service
        self.headers = {"Authorization": f"Bearer {TOKEN}"}

    def say(self, path: str, body: Any, method: str = "POST") -> httpx.Response:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return httpx.request(
            method,
            f"{self.service.direct_url}/services/binder/api/worker/{path}",
            content=content,
            headers=self.headers,
            timeout=30,
        )

    def claim(self, person: Person, repository: ServedRepository) -> str:
        """Have something to build, and take it."""
        asked = person.call("POST", "api/builds", {"repository": repository.url, "force": True})
        assert asked.status_code == 201, asked.text
        claimed = self.say("claim", {})
        assert claimed.status_code == 200
        return str(claimed.json()["id"])


@pytest.fixture
def worker(service: RunningService) -> Worker:
    return Worker(service)


@pytest.fixture
def service(start_service: Callable[..., RunningService]) -> RunningService:
    """A service without the tests' own builder, whose leases outlast a test."""
    tokens = {"node": hashlib.sha256(TOKEN.encode()).hexdigest()}
    made = start_service(worker_tokens=tokens, lease_seconds=300)
    made.do(made.hold_builder())
    return made


@pytest.mark.parametrize(
    "given_token", ["", "Bearer", "Bearer x", f"Basic {TOKEN}", f"bearer {TOKEN}"]
)
def test_who_is_no_worker_is_refused(given_token: str, worker: Worker, alice: Person) -> None:
    for headers in ({"Authorization": given_token}, {"Authorization": f"Bearer {alice.token}"}):
        worker.headers = headers
        for path in ("claim", "removals", "builds/00/report", "builds/00/finish"):
            assert worker.say(path, {}).status_code == 403
        for path in ("removals", "builds/00/context"):
            assert worker.say(path, b"", "GET").status_code == 403


def test_whatever_a_worker_says(
    worker: Worker, alice: Person, repository: ServedRepository
) -> None:
    build = worker.claim(alice, repository)
    other = "0123456789abcdef"
    paths = [
        *(f"builds/{one}/{how}" for one in (build, other) for how in ("report", "finish", "fail")),
        *("claim", "removals", f"builds/{other}/release", f"builds/{other}/{'x' * 50}"),
    ]

    @given(st.sampled_from(paths), BODIES)
    @settings(
        max_examples=300,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    def test(path: str, body: bytes) -> None:
        # An empty claim waits for work as long as a proxy lets it, which is not what this is about.
        if path == "claim" and body in (b"", b"{}"):
            return
        assert worker.say(path, body).status_code in (200, 204, 400, 404, 409)

    test()


def test_what_was_made_is_kept_and_a_locked_build_is_held_to_it(
    worker: Worker, alice: Person, repository: ServedRepository
) -> None:
    build = worker.claim(alice, repository)
    end = {"artefact": KEY, "size": 6, "bill": BILL}
    assert worker.say(f"builds/{build}/finish", end).status_code == 200
    again = alice.call("POST", f"api/builds/{build}/rebuild").json()
    claimed = worker.say("claim", {}).json()
    assert claimed["id"] == again["id"]
    assert claimed["lock"]["constraints"] == ["six==1.17.0"]
    assert BuildLock.model_validate(claimed["lock"]).apt == ()
    worker.say(f"builds/{again['id']}/fail", {"cause": "internal", "message": "No."})
    # What is tried again is held to the same.
    retried = alice.call("POST", f"api/builds/{again['id']}/retry").json()
    assert (retried["key"], retried["locked_to"]) == (again["key"], build)


def test_a_build_whose_record_was_removed_is_not_made_of_the_newest(
    worker: Worker, alice: Person, carol: Person, repository: ServedRepository
) -> None:
    build = worker.claim(alice, repository)
    worker.say(f"builds/{build}/finish", {"artefact": KEY, "size": 6, "bill": BILL})
    locked = alice.call("POST", f"api/builds/{build}/rebuild").json()["id"]
    key = alice.call("GET", f"api/builds/{build}").json()["key"]
    assert carol.call("DELETE", f"api/images/{key}").status_code == 204
    assert carol.call("DELETE", f"api/builds/{build}").status_code == 204
    assert worker.say("claim", {}).status_code == 204
    failure = alice.call("GET", f"api/builds/{locked}").json()["failure"]
    assert "has been removed" in failure["message"]


def test_an_end_is_told_once(worker: Worker, alice: Person, repository: ServedRepository) -> None:
    build = worker.claim(alice, repository)
    end = {"artefact": KEY, "size": 6}
    assert worker.say(f"builds/{build}/finish", end).status_code == 200
    for how, body in (
        ("finish", end),
        ("fail", {"cause": "internal", "message": "No."}),
        ("release", {}),
        ("report", {"lines": []}),
    ):
        assert worker.say(f"builds/{build}/{how}", body).status_code == 409
    assert worker.say(f"builds/{build}/context", b"", "GET").status_code == 409
    assert alice.call("GET", f"api/builds/{build}").json()["state"] == "done"


def test_control_characters_stay_in_the_log_and_get_nowhere_else(
    worker: Worker, alice: Person, repository: ServedRepository
) -> None:
    build = worker.claim(alice, repository)
    message = "one\r\n\n: two\x1b[31m\x07\u2028\u202e</pre><script>\0"
    line = {"phase": "building", "message": message}
    assert worker.say(f"builds/{build}/report", {"lines": [line]}).status_code == 200
    worker.say(f"builds/{build}/finish", {"artefact": KEY, "size": 6})
    told = alice.build_log(build)
    # PostgreSQL cannot keep a NUL.
    assert message.replace("\0", "\ufffd") in [event["message"] for event in told]
    assert [event["number"] for event in told] == list(range(1, len(told) + 1))
    log = alice.call("GET", f"api/builds/{build}/log")
    assert log.headers["Content-Type"].startswith("text/plain")
    assert log.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("how", "body"),
    [
        ("finish", {"artefact": KEY, "size": 2**63}),
        ("finish", {"artefact": KEY, "size": -1}),
        ("finish", {"artefact": "../../etc/passwd", "size": 1}),
        ("finish", {"artefact": KEY, "size": 1, "bill": {**BILL, "made": 1e300}}),
        ("finish", {"artefact": KEY, "size": 1, "bill": {**BILL, "packages": [PACKAGE] * 8001}}),
        ("finish", {"artefact": KEY, "size": 1, "bill": {**BILL, "commit": "a\n--x"}}),
        ("fail", {"cause": "internal", "message": "No.", "lines": ["x" * 2001]}),
        ("report", {"lines": [{"phase": "built", "message": "Ready."}]}),
        ("report", {"lines": [{"phase": "building", "message": ""}] * 2001}),
    ],
)
def test_what_no_record_can_hold_is_refused(
    how: str, body: Any, worker: Worker, alice: Person, repository: ServedRepository
) -> None:
    build = worker.claim(alice, repository)
    assert worker.say(f"builds/{build}/{how}", body).status_code == 400
    assert alice.call("GET", f"api/builds/{build}").json()["state"] == "running"


def test_a_long_list_of_removals_is_refused(worker: Worker) -> None:
    """SQLite takes so many values in one statement, and no more."""
    assert worker.say("removals", {"artefacts": [KEY] * 40_000}).status_code == 400


@pytest.mark.parametrize("path", [b"worker/claim", b"launches", b"nothing"])
def test_nobody_has_us_hold_as_much_as_she_likes(path: bytes, service: RunningService) -> None:
    """It is refused for what it says of its length, before any of it has come."""
    answer = ask(
        service.hub.service_port,
        b"/services/binder/api/" + path,
        {"Authorization": f"Bearer {TOKEN}".encode()},
        "POST",
        length=2**25,
    )
    assert answer.status == 400
