"""Who may ask for what, by cookie, by token and from other origins."""

from __future__ import annotations

import json
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

import httpx
import pytest
from cluster.person import Person
from service import stream
from service.browser import Browser
from service.repository import ServedRepository
from service.running import RunningService

pytestmark = pytest.mark.slow

ELSEWHERE = "https://elsewhere.example.org"


class Form(HTMLParser):
    """The values in the launch page's form."""

    def __init__(self, text: str):
        super().__init__()
        self.values: dict[str, str] = {}
        self.data: dict[str, Any] = {}
        self._select = self._script = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attributes}
        if tag == "select":
            self._select = found.get("name", "")
        if tag == "option" and "selected" in found:
            self.values[self._select] = found["value"]
        if tag == "input" and (found.get("type") != "radio" or "checked" in found):
            self.values[found.get("name", "")] = found.get("value", "")
        if tag == "script":
            self._script = found.get("id", "")

    def handle_data(self, data: str) -> None:
        if self._script:
            self.data[self._script] = json.loads(data)
            self._script = ""


@pytest.fixture
def browser(service: RunningService, alice: Person) -> Browser:
    """A browser in which alice has opened the launch page."""
    made = Browser(service.hub.url)
    assert "Launch a repository" in made.follow("/services/binder/").text
    return made


# -- cookies ---------------------------------------------------------------------------------------


def test_a_page_that_is_open_goes_on_with_the_next_service(
    browser: Browser, start_service: Callable[..., RunningService]
) -> None:
    start_service()
    headers = {"X-XSRFToken": browser.xsrf}
    answer = browser.client.get(
        "/services/binder/api/launches", headers=headers, follow_redirects=False
    )
    assert answer.status_code == 200, answer.text
    answer = browser.client.post("/services/binder/api/launches", headers=headers, json={})
    assert answer.status_code == 400, answer.text


@pytest.mark.parametrize("mode", ["navigate", "no-cors", "cors", "same-origin", ""])
@pytest.mark.parametrize("site", ["same-origin", "cross-site"])
@pytest.mark.parametrize("query", ["", "?build_only=true"])
def test_a_cookie_alone_starts_nothing_however_the_request_came_to_be(
    mode: str, site: str, query: str, browser: Browser, alice: Person, repository: ServedRepository
) -> None:
    headers = {"Sec-Fetch-Mode": mode, "Sec-Fetch-Site": site} if mode else {}
    (event,) = browser.events(f"build/{repository.spec()}{query}", **headers)
    assert (event["phase"], event["status_code"]) == ("failed", 403)
    for wrong in ("", "x", "2|aaaa"):
        (event,) = browser.events(
            f"build/{repository.spec()}{query}", **headers, **{"X-XSRFToken": wrong}
        )
        assert event["status_code"] == 403
    assert alice.servers() == []


def test_an_xsrf_token_in_the_address_is_no_header(
    browser: Browser, alice: Person, repository: ServedRepository
) -> None:
    (event,) = browser.events(f"build/{repository.spec()}?_xsrf={browser.xsrf}")
    assert event["status_code"] == 403
    assert alice.servers() == []


def test_a_page_of_ours_launches_with_cookie_and_header(
    browser: Browser, repository: ServedRepository
) -> None:
    headers = {"Sec-Fetch-Mode": "cors", "Sec-Fetch-Site": "same-origin"}
    path = f"build/{repository.spec()}"
    events = browser.events(path, **headers, **{"X-XSRFToken": browser.xsrf})
    assert events[-1]["phase"] == "ready", events[-1]


def test_somebody_elses_xsrf_token_is_refused(
    browser: Browser, alice: Person, repository: ServedRepository
) -> None:
    other = Browser(browser.url)
    other.follow("/services/binder/", "bob")
    (event,) = browser.events(f"build/{repository.spec()}", **{"X-XSRFToken": other.xsrf})
    assert event["status_code"] == 403
    assert alice.servers() == []


def test_nobody_in_particular_is_refused(
    service: RunningService, repository: ServedRepository
) -> None:
    for headers in ({}, {"Authorization": "Bearer nonsense"}):
        url = f"{service.url}/build/{repository.spec()}"
        ((_, event),) = stream.read(url, headers)
        assert (event["phase"], event["status_code"]) == ("failed", 403)


def test_only_a_client_of_event_streams_is_served(
    alice: Person, repository: ServedRepository
) -> None:
    url = f"{alice.url}/services/binder/build/{repository.spec()}"
    answer = httpx.get(url, headers={"Authorization": f"Bearer {alice.token}"})
    # As with BinderHub: the refusal is an event, since an EventSource reads no other status.
    assert answer.status_code == 200
    assert '"status_code": 400' in answer.text
    assert "Missing Accept header" in answer.text
    assert alice.servers() == []


def test_a_token_for_something_else_builds_nothing(
    alice: Person, repository: ServedRepository, service: RunningService
) -> None:
    made = alice.hub("POST", "users/alice/tokens", {"scopes": ["access:services!service=binder"]})
    headers = {"Authorization": f"Bearer {made.json()['token']}"}
    for query, scope in (("", "launch"), ("?build_only=true", "build")):
        url = f"{service.url}/build/{repository.spec()}{query}"
        ((_, event),) = stream.read(url, headers)
        assert event["status_code"] == 403
        assert f"custom:hpcbinderhub:{scope}" in event["message"]


# -- other origins ---------------------------------------------------------------------------------


def ask(url: str, token: str = "", method: str = "GET") -> httpx.Response:
    headers = {"Origin": ELSEWHERE} | ({"Authorization": f"Bearer {token}"} if token else {})
    return httpx.request(method, url, headers=headers)


def test_other_origins_are_not_told_anything_unless_the_site_names_them(
    alice: Person, start_service: Callable[..., RunningService]
) -> None:
    path = "api/parse?repository=org/repo"
    for allowed, answered in (
        ([], None),
        ([ELSEWHERE], ELSEWHERE),
        (["https://another.example.org"], None),
        (["*"], "*"),
    ):
        service = start_service(api_origins=allowed)
        answer = ask(f"{service.url}/{path}", alice.token)
        assert answer.status_code == 200
        assert answer.headers.get("Access-Control-Allow-Origin") == answered
        preflight = ask(f"{service.url}/build/gh/org/repo/HEAD", method="OPTIONS")
        assert preflight.status_code == 204
        assert preflight.headers.get("Access-Control-Allow-Origin") == answered
        assert ("Authorization" in preflight.headers.get("Access-Control-Allow-Headers", "")) == (
            answered is not None
        )
        for one in (answer, preflight):
            assert "Access-Control-Allow-Credentials" not in one.headers


@pytest.mark.parametrize("origin", [ELSEWHERE, "null", "http://127.0.0.1"])
def test_a_cookie_is_no_good_to_another_origin(
    origin: str, browser: Browser, alice: Person, repository: ServedRepository
) -> None:
    headers = {"Origin": origin, "X-XSRFToken": browser.xsrf}
    (event,) = browser.events(f"build/{repository.spec()}", **headers)
    assert event["status_code"] == 403
    assert "another origin" in event["message"]
    body = {"repository": repository.url, "profile": "interactive"}
    for method, path in (("GET", "api/parse?repository=org/repo"), ("POST", "api/launches")):
        answer = browser.client.request(
            method, f"/services/binder/{path}", headers=headers, json=body
        )
        assert answer.status_code == 403, answer.text
    assert alice.servers() == []


# -- links -----------------------------------------------------------------------------------------


def test_all_that_a_link_asks_for_survives_the_log_in_and_stands_in_the_form(
    service: RunningService, alice: Person, repository: ServedRepository
) -> None:
    query = "profile=regular&account=geo&nodes=3&time=45&gpus=1&labpath=notes%2Fa%20b.ipynb"
    page = Browser(service.hub.url).follow(f"/services/binder/v2/{repository.spec('main')}?{query}")
    assert page.status_code == 200
    form = Form(page.text)
    written = {"spec": repository.spec("main"), "profile": "regular", "open": "notes/a b.ipynb"}
    assert written.items() <= form.values.items()
    # The page's script draws the fields that the chosen profile has, and fills these in.
    chosen = {"profile": "regular", "account": "geo", "nodes": "3", "minutes": "45", "gpus": "1"}
    assert chosen.items() <= form.data["launch-data"]["wanted"].items()
    assert repository.url in page.text
    assert "Runs as" in page.text
    assert alice.servers() == []


def test_a_link_to_a_profile_that_is_not_offered_shows_one_that_is(
    browser: Browser, repository: ServedRepository
) -> None:
    page = browser.follow(f"/services/binder/v2/{repository.spec()}?profile=secret")
    assert Form(page.text).values["profile"] == "interactive"


# -- how often -------------------------------------------------------------------------------------


def test_a_user_may_ask_only_so_often(
    start_service: Callable[..., RunningService],
    people: dict[str, Person],
    repository: ServedRepository,
) -> None:
    service = start_service(request_limit=2, request_limit_seconds=600)
    alice, bob = people["alice"], people["bob"]
    first = stream.numbered(alice, repository.spec(), build_only="true")
    # Going on with a stream is no new request.
    stream.numbered(alice, repository.spec(), since=first[1][0], build_only="true")
    stream.build(alice, repository.spec(), build_only="true")

    headers: dict[str, Any] = stream.ACCEPT | {"Authorization": f"Bearer {alice.token}"}
    refused = httpx.get(f"{service.url}/build/{repository.spec()}", headers=headers)
    assert '"status_code": 429' in refused.text
    assert "2 builds and launches within 10 minutes" in refused.text
    assert 590 <= int(refused.headers["Retry-After"]) <= 600

    body = {"repository": repository.url, "profile": "interactive"}
    refused = alice.call("POST", "api/launches", body)
    assert refused.status_code == 429
    assert refused.json()["advice"] == "Try again in 10 minutes."
    assert 590 <= int(refused.headers["Retry-After"]) <= 600
    assert alice.servers() == []

    assert stream.build(bob, repository.spec(), build_only="true")[-1]["phase"] == "built"
