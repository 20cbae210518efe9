"""Who gets to see a home: strangers' code does not, until its user says so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from cluster.person import Person
from cluster.rig import eventually
from service import stream
from service.browser import Browser
from service.repository import ServedRepository
from service.running import RunningService
from service.test_access import Form

pytestmark = pytest.mark.slow

CHARLIE = {"name": "interactive", "title": "Interactive", "partition": "interactive"}
SHIFTER = {"name": "shifter", "title": "Shifter", "partition": "regular", "engine": "shifter"}


def asked(person: Person, address: str, **more: Any) -> httpx.Response:
    """The answer to a launch that is to see the home."""
    body = {"repository": address, "profile": "interactive", "reach": "home", **more}
    return person.call("POST", "api/launches", body)


def consents(person: Person) -> list[str]:
    return [one["repository"] for one in person.call("GET", "api/consents").json()]


def reach_of_server(person: Person) -> str:
    """What the hub was asked for."""
    (server,) = person.hub("GET", f"users/{person.name}").json()["servers"].values()
    return str(server["user_options"]["reach"])


def withdraw(person: Person) -> None:
    """Take everything back."""
    for one in person.call("GET", "api/consents").json():
        assert person.call("DELETE", f"api/consents/{one['id']}").status_code == 204


def test_a_launch_is_closed_unless_it_says_otherwise(
    alice: Person, repository: ServedRepository
) -> None:
    launch = alice.launch(repository.url)
    alice.follow(launch)
    assert alice.call("GET", f"api/launches/{launch}").json()["reach"] == "closed"
    assert reach_of_server(alice) == "closed"
    assert consents(alice) == []


def test_alice_consents_once_and_takes_it_back(
    alice: Person, bob: Person, repository: ServedRepository
) -> None:
    refused = asked(alice, repository.url)
    assert refused.status_code == 403
    assert "is neither yours nor trusted by this site" in refused.json()["message"]
    assert "if you trust all who can change it" in refused.json()["advice"]
    assert consents(alice) == []

    launch = asked(alice, repository.url, consent=True).json()
    assert launch["reach"] == "home"
    assert alice.follow(launch["id"])["phase"] == "ready"
    assert reach_of_server(alice) == "home"
    assert consents(alice) == [repository.url.removesuffix(".git")]

    (server,) = alice.servers()
    alice.stop(server)
    assert alice.follow(asked(alice, repository.url).json()["id"])["phase"] == "ready"
    (given,) = alice.call("GET", "api/consents").json()
    assert asked(bob, repository.url).status_code == 403
    assert bob.call("GET", "api/consents").json() == []
    assert bob.call("DELETE", f"api/consents/{given['id']}").status_code == 404

    assert alice.call("DELETE", f"api/consents/{given['id']}").status_code == 204
    assert alice.call("DELETE", f"api/consents/{given['id']}").status_code == 404
    (server,) = alice.servers()
    alice.stop(server)
    assert asked(alice, repository.url).status_code == 403
    assert alice.follow(alice.launch(repository.url))["phase"] == "ready"


def test_a_consent_is_not_remembered_of_a_launch_that_is_refused(
    alice: Person, repository: ServedRepository
) -> None:
    assert asked(alice, repository.url, consent=True, account="not hers").status_code == 400
    assert asked(alice, repository.url, consent=True, account="bio").status_code == 403
    assert consents(alice) == []


def test_a_consent_for_nothing_is_not_remembered(
    alice: Person, repository: ServedRepository
) -> None:
    alice.follow(alice.launch(repository.url, consent=True))
    assert reach_of_server(alice) == "closed"
    assert consents(alice) == []


def test_what_was_taken_back_while_a_launch_waited_is_not_given(
    alice: Person, repository: ServedRepository, start_service: Callable[..., RunningService]
) -> None:
    start_service(away_seconds=0)
    launch = asked(alice, repository.url, consent=True).json()["id"]
    shown = lambda: alice.call("GET", f"api/launches/{launch}").json()["state"]  # noqa: E731
    eventually(lambda: shown() == "parked", 60, "the launch waits for alice")
    withdraw(alice)
    alice.call("POST", f"api/launches/{launch}/start")
    last = alice.follow(launch)
    assert (last["phase"], last["status"]) == ("failed", 403)
    assert "is neither yours nor trusted by this site" in last["message"]
    assert alice.servers() == []


# -- links -----------------------------------------------------------------------------------------


def test_a_link_neither_consents_nor_asks_for_the_home(
    alice: Person, repository: ServedRepository, service: RunningService
) -> None:
    asks = "reach=home&consent=true&home_access=trusted"
    browser = Browser(service.hub.url)
    page = browser.follow(f"/services/binder/v2/{repository.spec()}?{asks}").text
    assert "Launch this repository" in page
    box = page.partition('id="reach"')[2].partition(">")[0]
    assert "checked" not in box
    assert not {"reach", "consent"} & set(Form(page).values)
    assert consents(alice) == []


def test_binderhubs_clients_get_no_home_even_where_it_was_consented_to(
    alice: Person, repository: ServedRepository
) -> None:
    words = {"reach": "home", "consent": "true"}
    assert stream.build(alice, repository.spec(), **words)[-1]["phase"] == "ready"
    assert reach_of_server(alice) == "closed"
    assert consents(alice) == []
    (server,) = alice.servers()
    alice.stop(server)

    alice.follow(asked(alice, repository.url, consent=True).json()["id"])
    (server,) = alice.servers()
    alice.stop(server)
    assert stream.build(alice, repository.spec(), **words)[-1]["phase"] == "ready"
    assert reach_of_server(alice) == "closed"


def test_another_origins_page_and_a_bare_cookie_change_nothing(
    alice: Person, repository: ServedRepository, service: RunningService
) -> None:
    asked(alice, repository.url, consent=True)
    (given,) = alice.call("GET", "api/consents").json()
    browser = Browser(service.hub.url)
    browser.follow("/services/binder/")
    body = {"repository": repository.url, "profile": "interactive", "reach": "home"}
    for headers in ({}, {"X-XSRFToken": browser.xsrf, "Origin": "https://elsewhere.example.org"}):
        for method, path in (("POST", "launches"), ("DELETE", f"consents/{given['id']}")):
            address = f"/services/binder/api/{path}"
            answer = browser.client.request(method, address, json=body, headers=headers)
            assert answer.status_code == 403, answer.text
    assert consents(alice) == [given["repository"]]


# -- what the site says ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("trait", "path", "ground"),
    [
        ("trusted_repositories", "/*", "site"),
        ("own_repositories", "/{user}/*", "own"),
    ],
)
def test_what_the_site_lists_needs_no_consent(
    trait: str,
    path: str,
    ground: str,
    alice: Person,
    repository: ServedRepository,
    start_service: Callable[..., RunningService],
) -> None:
    origin = repository.url.rpartition("/")[0]
    if trait == "own_repositories":
        repository.url = f"{origin}/alice/repo.git"
    start_service(**{trait: [f"{origin}{path}"]})
    trusted = lambda person: person.call(  # noqa: E731
        "GET", f"api/parse?repository={repository.url}"
    ).json()["trusted"]
    assert trusted(alice) == ground
    launch = asked(alice, repository.url, consent=True).json()
    assert launch["reach"] == "home"
    assert consents(alice) == []


def test_what_is_alices_own_is_a_strangers_to_bob(
    alice: Person,
    bob: Person,
    repository: ServedRepository,
    start_service: Callable[..., RunningService],
) -> None:
    origin = repository.url.rpartition("/")[0]
    start_service(own_repositories=[f"{origin}/{{user}}/*"])
    hers = f"{origin}/alice/tides"
    assert asked(alice, hers).status_code == 201
    assert asked(bob, hers).status_code == 403


def test_an_address_that_may_mean_something_else_is_never_trusted(
    alice: Person, repository: ServedRepository
) -> None:
    for address in (repository.url.replace("/repo", "/x/../repo"), f"{repository.url}?x"):
        refused = asked(alice, address, consent=True)
        assert refused.status_code == 403
        assert "may stand for another repository" in refused.json()["message"]
    assert consents(alice) == []


def test_a_site_or_a_profile_gives_nobodys_home(
    alice: Person, repository: ServedRepository, start_service: Callable[..., RunningService]
) -> None:
    start_service(home_access="never", trusted_repositories=["http://127.0.0.1/*"])
    refused = asked(alice, repository.url, consent=True)
    assert refused.status_code == 403
    assert refused.json()["message"].startswith("At this site, no repository's code")

    closed = CHARLIE | {"name": "shared", "title": "Shared nodes", "home_access": "never"}
    start_service(profiles=[CHARLIE, closed])
    offered = {p["name"]: p["may_see_home"] for p in alice.call("GET", "api/profiles").json()}
    assert offered == {"interactive": True, "shared": False}
    refused = asked(alice, repository.url, consent=True, profile="shared")
    assert refused.status_code == 403
    assert refused.json()["message"].startswith("Under “Shared nodes”, no repository's code")
    assert consents(alice) == []


def test_a_site_may_refuse_what_cannot_be_hidden_from(
    alice: Person, repository: ServedRepository, start_service: Callable[..., RunningService]
) -> None:
    start_service(
        profiles=[CHARLIE, SHIFTER], refuse_unhidden=True, shifter_gateway="http://gateway:5000"
    )
    offered = {p["name"]: p["must_see_home"] for p in alice.call("GET", "api/profiles").json()}
    assert offered == {"interactive": False, "shifter": True}
    body = {"repository": repository.url, "profile": "shifter"}
    refused = alice.call("POST", "api/launches", body)
    assert refused.status_code == 403
    assert refused.json()["message"].startswith("Shifter cannot hide your home directory")
    launch = asked(alice, repository.url, consent=True, profile="shifter").json()["id"]
    assert alice.follow(launch)["phase"] == "ready"


# -- pages -----------------------------------------------------------------------------------------


def test_pages_say_what_the_code_will_see(
    alice: Person, repository: ServedRepository, start_service: Callable[..., RunningService]
) -> None:
    service = start_service(profiles=[CHARLIE, SHIFTER], data_roots=["/scratch", "/data"])
    browser = Browser(service.hub.url)
    page = " ".join(browser.follow("/services/binder/").text.split())
    assert "will see its own workspace, /scratch and /data, and no other file of yours." in page
    assert page.count("Cannot hide your home directory.") == 1
    assert (
        "Trusted with your home directory" not in browser.client.get("/services/binder/mine").text
    )

    launch = asked(alice, repository.url, consent=True).json()["id"]
    alice.follow(launch)
    loading = browser.client.get(f"/services/binder/launches/{launch}").text
    assert "its code sees your home directory" in loading
    (given,) = alice.call("GET", "api/consents").json()
    mine = browser.client.get("/services/binder/mine").text
    assert "Trusted with your home directory" in mine
    assert f'data-path="api/consents/{given["id"]}"' in mine
