"""The pages, as far as their text goes; `tests/browser/` looks at them in Chromium."""

from __future__ import annotations

import httpx
import pytest
from cluster.person import Person
from cluster.rig import eventually
from service.browser import Browser
from service.repository import ServedRepository
from service.running import RunningService

pytestmark = pytest.mark.slow


def test_who_is_not_logged_in_sees_what_a_link_will_run(service: RunningService) -> None:
    link = f"{service.url}/v2/gh/org/repo/main?labpath=a.ipynb&time=30"
    page = httpx.get(link)
    assert page.status_code == 200
    for words in (
        "What this link will run",
        "https://github.com/org/repo",
        "a.ipynb",
        "Logging in starts nothing",
        "Ask your facility",
        "https://mybinder.org/v2/gh/org/repo/main",
    ):
        assert words in page.text, words


def test_a_private_address_is_not_sent_to_mybinder(
    service: RunningService, repository: ServedRepository
) -> None:
    assert "mybinder.org" not in httpx.get(f"{service.url}/v2/{repository.spec()}").text


def test_logging_in_keeps_every_word_of_the_link(service: RunningService, alice: Person) -> None:
    browser = Browser(service.hub.url)
    landing = browser.client.get("/services/binder/v2/gh/org/repo/main?labpath=a%20b.ipynb&time=30")
    assert "Log in to launch it" in landing.text
    log_in = landing.text.partition('btn btn-primary btn-lg" href="')[2].partition('"')[0]
    page = browser.follow(log_in.replace("&amp;", "&"))
    assert str(page.url).endswith("/v2/gh/org/repo/main?labpath=a%20b.ipynb&time=30")
    assert 'name="open" value="a b.ipynb"' in page.text
    # Whoever is logged in to the hub passes straight through.
    browser.client.cookies.delete("service-binder", path="/services/binder/")
    assert "Launch a repository" in browser.client.get("/services/binder/").text


@pytest.mark.parametrize(
    "target", ["https://evil.example.org/", "//evil.example.org", "/hub/logout", "\\\\evil"]
)
def test_logging_in_leads_to_our_own_pages_alone(
    target: str, service: RunningService, alice: Person
) -> None:
    browser = Browser(service.hub.url)
    browser.follow("/services/binder/login")
    answer = browser.client.get(
        "/services/binder/login", params={"next": target}, follow_redirects=False
    )
    assert answer.headers["location"] == "/services/binder/"


def test_a_link_that_asks_for_what_one_cannot_have_says_so(
    service: RunningService, alice: Person, repository: ServedRepository
) -> None:
    browser = Browser(service.hub.url)
    browser.follow("/services/binder/login")
    link = f"/services/binder/v2/{repository.spec()}"
    page = browser.client.get(f"{link}?profile=huge&account=<b>physics</b>").text
    assert "asks for the profile “huge”, which this site does not offer you" in page
    assert "asks to charge “&lt;b&gt;physics&lt;/b&gt;”, which is no account of yours" in page
    page = browser.client.get(f"{link}?profile=regular&reservation=course").text
    assert "does not offer the reservation “course”. It offers none." in page
    fitting = browser.client.get(f"{link}?profile=regular&account=geo").text
    assert "Choose another one" not in fitting


def test_yours_shows_what_runs_and_what_was_launched(
    service: RunningService, alice: Person, bob: Person, repository: ServedRepository
) -> None:
    launch = alice.launch(repository.url)
    alice.follow(launch)
    browser = Browser(service.hub.url)
    browser.follow("/services/binder/login")
    page = browser.client.get("/services/binder/mine").text
    assert page.count(repository.url) >= 2
    (server,) = alice.servers()
    assert f'data-path="api/servers/{server}"' in page
    assert "just now" in page
    other = Browser(service.hub.url)
    other.follow("/services/binder/login", "bob")
    assert repository.url not in other.client.get("/services/binder/mine").text


def test_a_server_without_a_name_is_shown_and_stopped_as_any(
    service: RunningService, alice: Person
) -> None:
    """JupyterHub's default server, which a start request by hand can ask for."""
    assert alice.hub("POST", "users/alice/server").status_code in (201, 202)
    browser = Browser(service.hub.url)
    browser.follow("/services/binder/login")
    ready = 'href="/user/alice/"'
    eventually(lambda: ready in browser.client.get("/services/binder/mine").text, 60, "it runs")
    for page in ("mine", ""):
        text = browser.client.get(f"/services/binder/{page}").text
        assert "Your server without a name" in text
        assert ready in text
        assert 'data-path="api/servers/"' in text or 'data-stop=""' in text
    alice.stop("")
    assert alice.servers() == []


def test_the_admins_page_is_for_admins(
    service: RunningService, alice: Person, carol: Person, repository: ServedRepository
) -> None:
    alice.follow(alice.launch(repository.url))
    browser = Browser(service.hub.url)
    browser.follow("/services/binder/login")
    assert browser.client.get("/services/binder/admin").status_code == 403
    assert ">Admin<" not in browser.client.get("/services/binder/").text
    browser = Browser(service.hub.url)
    browser.follow("/services/binder/login", "carol")
    assert ">Admin<" in browser.client.get("/services/binder/").text
    page = browser.client.get("/services/binder/admin").text
    for words in ("Artefact store", repository.url, "0 wait, 0 run", "Images"):
        assert words in page, words
