"""Whatever a browser is made to send, the answer does no harm, and is never a 500."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import quote

import pytest
from cluster.person import Person
from hpcbinderhub.services.binder.handlers import routes
from hpcbinderhub.services.binder.handlers.base import UserHandler
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from service import stream
from service.browser import Browser
from service.raw import Answer, ask
from service.repository import ServedRepository
from service.running import RunningService

pytestmark = pytest.mark.slow

PREFIX = b"/services/binder/"
MARKUP = "<script>alert(1)</script>"
QUOTED = "\"'><img src=x onerror=alert(1)>"
EXAMPLES = settings(
    max_examples=250,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)

PAGES = (b"", b"v2/", b"build/", b"launches/", b"login?next=", b"repo/", b"static/", b"api/")
PIECES = (
    *(b"gh/", b"git/", b"gl/", b"gist/", b"doi/", b"swh/", b"hg/", b"org/", b"repo/", b"main"),
    *(b"/", b"//", b"/////", b"..", b"../", b"%2e%2e/", b"\\", b"%5c", b"@", b":", b";", b"*"),
    *(b"https%3A%2F%2Fexample.org%2Fx/", b"https://example.org/x/", b"//evil.example.org/", PREFIX),
    *(b"%", b"%0", b"%zz", b"%00", b"%0a", b"%0d%0aX-Injected:%201", b"%7f", b"%E2%80%AE"),
    *(b"%ff%fe", b"%c0%af", b"%ed%a0%80", b"%F0%9F%98%80", b"\xc3\xa9", b"\xff\xfe", b"\x80"),
    *(quote(MARKUP).encode(), quote(QUOTED).encode(), MARKUP.encode(), b"<b>", b"'", b"a" * 5000),
    *(b"?", b"&", b"=", b"#", b"+", b"profile=", b"&labpath=", b"&time=", b"&next=", b"&token=x"),
)
TARGETS = st.lists(st.sampled_from(PIECES), max_size=8).map(b"".join)

ADDRESSES = (
    *(b"", b"mine", b"admin", b"login", b"health", b"metrics", b"oauth_callback", b"nothing"),
    *(b"v2/gh/org/repo/main", b"build/gh/org/repo/main", b"api/launches", b"api/builds"),
    *(b"api/builds/00/events", b"api/worker/claim", b"static/launch.js"),
)
HEADERS = (
    *("Accept", "Authorization", "Content-Type", "Cookie", "If-None-Match", "Last-Event-ID"),
    *("Origin", "Range", "Sec-Fetch-Mode", "X-Forwarded-For", "X-Scheme", "X-XSRFToken"),
)
COOKIES = (b"service-binder=", b"_xsrf=2|aa|bb|1; service-binder=", b"jupyterhub-session-id=")
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "BREW")
JUNK = st.one_of(
    st.binary(max_size=60),
    st.tuples(st.sampled_from(COOKIES), st.binary(max_size=20)).map(b"".join),
    st.sampled_from([b"", b"0", b"-1", b"9" * 30, b"9" * 5000, b"launch:0123456789abcdef:1"]),
    st.sampled_from([b"null", b"https://evil.example.org", b"http://[", b"http://x:y", b"*/*;q=x"]),
    st.sampled_from([b"text/event-stream", b"multipart/form-data; boundary=", b"bytes=9-1,-"]),
).map(lambda junk: bytes(byte for byte in junk if byte >= 32 and byte != 127).strip())


@pytest.fixture
def service(start_service: Callable[..., RunningService]) -> RunningService:
    """One that takes as many requests as come, and repositories from nowhere but here."""
    return start_service(request_limit=0, repository_hosts=["127.0.0.1"])


@pytest.fixture(params=["nobody", "alice"])
def known_by(request: pytest.FixtureRequest, people: dict[str, Person]) -> dict[str, bytes]:
    """The header by which somebody is known; none for nobody."""
    person = people.get(request.param)
    return {"Authorization": f"Bearer {person.token}".encode()} if person else {}


def check(answer: Answer) -> None:
    """What holds for every answer."""
    assert answer.status in (200, 204, 302, 304, 400, 403, 404, 405, 416), answer
    assert "X-Injected" not in answer.headers
    assert answer.headers.get("Location", "/hub/").startswith(("/hub/", "/services/binder/"))
    for payload in (MARKUP, QUOTED, "<img src=x", "<b>"):
        assert payload not in answer.body


def test_whatever_stands_in_an_address(known_by: dict[str, bytes], service: RunningService) -> None:
    @given(st.sampled_from(PAGES), TARGETS)
    @EXAMPLES
    def test(page: bytes, rest: bytes) -> None:
        answer = ask(service.hub.service_port, PREFIX + page + rest, known_by)
        check(answer)
        if page == b"v2/" and answer.status != 302:
            assert "</html>" in answer.body

    test()


def test_whatever_stands_in_a_header(known_by: dict[str, bytes], service: RunningService) -> None:
    @given(
        st.sampled_from(METHODS),
        st.sampled_from(ADDRESSES),
        st.dictionaries(st.sampled_from(HEADERS), JUNK, max_size=4),
        st.binary(max_size=40),
    )
    @EXAMPLES
    def test(method: str, address: bytes, headers: dict[str, bytes], body: bytes) -> None:
        port = service.hub.service_port
        check(ask(port, PREFIX + address, known_by | headers, method, body))

    test()


@pytest.mark.parametrize(
    "wanted",
    [
        "%0d%0aX-Injected:%201",
        "%09//evil.example.org",
        "%5c%5cevil.example.org",
        "%C3%A9",
    ],
)
def test_where_a_log_in_goes_on_is_an_address(
    wanted: str, alice: Person, service: RunningService
) -> None:
    token = {"Authorization": f"Bearer {alice.token}".encode()}
    target = PREFIX + b"login?next=/services/binder/" + wanted.encode()
    answer = ask(service.hub.service_port, target, token)
    assert (answer.status, answer.headers["Location"]) == (302, "/services/binder/")


def test_where_there_is_nothing_people_get_a_page_and_programs_the_three_texts(
    alice: Person, service: RunningService
) -> None:
    token = {"Authorization": f"Bearer {alice.token}".encode()}
    for path in (b"nothing", b"launches/NO", b"v2/%ff/x"):
        page = ask(service.hub.service_port, PREFIX + path, token)
        assert page.status in (400, 404)
        assert "To the launch page" in page.body
    for method in ("GET", "POST", "DELETE"):
        answer = alice.call(method, "api/nothing")
        assert answer.status_code == 404
        assert set(answer.json()) == {"message", "advice", "detail"}


def test_an_images_key_has_an_end(
    carol: Person, service: RunningService, repository: ServedRepository
) -> None:
    """SQLite compares with patterns of a certain length, and with no longer ones."""
    assert stream.build(carol, repository.spec(), build_only="true")[-1]["phase"] == "built"
    token = {"Authorization": f"Bearer {carol.token}".encode()}
    for length in (64, 60_000):
        target = PREFIX + b"api/images/" + b"a" * length
        assert ask(service.hub.service_port, target, token).status == 404


def test_a_cookie_alone_changes_nothing(alice: Person, service: RunningService) -> None:
    """Another site's form can send it, but not the XSRF token beside it."""
    browser = Browser(service.hub.url)
    assert "Launch a repository" in browser.follow("/services/binder/").text
    changes = [
        (method, re.sub(r"\([^)]*\)", "a0", pattern))
        for pattern, handler, *_ in routes("/services/binder/", "Tests")
        for method in ("POST", "PUT", "DELETE")
        if issubclass(handler, UserHandler) and method.lower() in vars(handler)
    ]
    assert len(changes) > 10
    for method, address in changes:
        answer = browser.client.request(method, address, json={})
        assert answer.status_code == 403, (method, address)
