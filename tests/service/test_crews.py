"""Workers over REST: who may ask for them, and in which shape the answers are."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from cluster.person import Person
from service.conftest import PROFILES
from service.repository import ServedRepository
from service.running import RunningService

pytestmark = pytest.mark.slow

CREWS = "custom:hpcbinderhub:crews"


@pytest.fixture
def service(start_service: Callable[..., RunningService]) -> RunningService:
    """A site whose larger profile gives nodes to workers."""
    first, second = PROFILES
    return start_service(profiles=[first, {**second, "cpus": 4, "worker_nodes": 3}])


@pytest.fixture
def launch(alice: Person, service: RunningService, repository: ServedRepository) -> Iterator[str]:
    """Alice's, whose server runs."""
    made = alice.launch(repository.url, profile="regular")
    assert alice.follow(made)["phase"] == "ready"
    yield made
    for crew in alice.call("GET", f"api/crews/{made}").json()["crews"]:
        alice.call("DELETE", f"api/crews/{made}/{crew['id']}")


def token(person: Person, *scopes: str) -> dict[str, str]:
    """A token of hers with these scopes and no others."""
    body = {"note": "workers", "scopes": list(scopes)}
    made = person.hub("POST", f"users/{person.name}/tokens", body).json()["token"]
    return {"Authorization": f"Bearer {made}"}


def asked(person: Person, launch: str, **values: Any) -> httpx.Response:
    return person.call("POST", f"api/crews/{launch}", {"name": "workers", **values})


def test_a_crew_is_asked_for_looked_at_changed_and_closed(alice: Person, launch: str) -> None:
    there = alice.call("GET", f"api/crews/{launch}").json()
    assert there["crews"] == []
    assert [(p["name"], p["max_nodes"], p["form"]) for p in there["profiles"]] == [
        ("regular", 3, "array")
    ]
    answer = asked(alice, launch, nodes=0)
    assert answer.status_code == 201, answer.text
    crew = answer.json()
    assert crew["tls"]["certificate"].startswith("-----BEGIN CERTIFICATE")
    assert (crew["state"], crew["title"], crew["per_node"]) == ("open", "Regular", 4)
    own = f"api/crews/{launch}/{crew['id']}"
    assert alice.call("POST", f"{own}/keys").json() == crew["tls"]
    changed = alice.call("PATCH", own, {"scheduler": "tls://10.0.0.1:8786"}).json()
    assert changed["scheduler"] == "tls://10.0.0.1:8786"
    assert "tls" not in changed
    later = alice.call("GET", f"{own}?after={crew['version']}&wait=20").json()
    assert later == changed
    assert alice.call("GET", f"{own}?after={later['version']}&wait=0.2").json() == later
    again = asked(alice, launch, nodes=0)
    assert (again.status_code, "already" in again.json()["message"]) == (409, True)

    closed = alice.call("DELETE", f"{own}?why=idle")
    assert (closed.status_code, closed.json()["state"]) == (202, "closed")
    assert "nothing to do" in closed.json()["words"]
    assert alice.call("DELETE", own).json()["words"] == closed.json()["words"]
    assert alice.call("POST", f"{own}/keys").status_code == 409
    assert alice.call("PATCH", own, {"nodes": 1}).status_code == 409
    assert alice.call("GET", own).json()["state"] == "closed"
    assert alice.call("GET", f"api/crews/{launch}").json()["crews"] == []


def test_what_cannot_be_is_refused_with_a_sentence(alice: Person, launch: str) -> None:
    for body in (
        {},
        {"nodes": 1, "workers": 1},
        {"nodes": 1, "name": "Not a name"},
        {"nodes": -1},
        {"nodes": 4},
        {"nodes": 1, "qos": "--wrap=id"},
        {"nodes": 1, "command": "id"},
        {"nodes": 1, "threads": 0},
    ):
        answer = asked(alice, launch, **body)
        assert answer.status_code == 400, body
        assert all(answer.json()[text] for text in ("message", "advice"))
    assert asked(alice, launch, nodes=1, profile="interactive").status_code == 403
    crew = asked(alice, launch, nodes=0).json()
    own = f"api/crews/{launch}/{crew['id']}"
    for body in (
        {},
        {"nodes": 1, "workers": 2},
        {"scheduler": "tcp://10.0.0.1:8786"},
        {"scheduler": "tls://a b:1"},
        {"drop": ["1_0; id"]},
        {"drop": ["1_0"]},
    ):
        assert alice.call("PATCH", own, body).status_code == 400, body


def test_they_are_for_the_launches_own_server_alone(
    service: RunningService, alice: Person, bob: Person, launch: str
) -> None:
    crew = asked(alice, launch, nodes=0).json()
    server = service.do(service.services.book.get(launch)).server  # type: ignore[union-attr]
    url = f"{service.url}/api/crews/{launch}"
    calls = [
        ("GET", url),
        ("POST", url),
        *((method, f"{url}/{crew['id']}") for method in ("GET", "PATCH", "DELETE")),
        ("POST", f"{url}/{crew['id']}/keys"),
    ]
    for headers in (
        {},
        {"Authorization": f"Bearer {bob.token}"},
        token(alice, f"{CREWS}!server=alice/another"),
        token(alice, "custom:hpcbinderhub:launch", "custom:hpcbinderhub:content!user=alice"),
    ):
        for method, address in calls:
            body = {"name": "mine", "nodes": 0} if method == "POST" else None
            assert httpx.request(method, address, headers=headers, json=body).status_code == 403
    # What the server's own token holds is enough.
    own = token(alice, f"{CREWS}!server=alice/{server}")
    assert httpx.get(url, headers=own).json()["crews"][0]["name"] == "workers"


def test_a_stopped_server_has_no_workers(alice: Person, launch: str) -> None:
    crew = asked(alice, launch, nodes=0).json()
    for server in alice.servers():
        alice.stop(server)
    gone = alice.call("GET", f"api/crews/{launch}/{crew['id']}").json()
    assert (gone["state"], "server ended" in gone["words"]) == ("closed", True)
    assert asked(alice, launch, nodes=0).status_code == 409


def test_a_claim_without_the_ticket_gets_nothing(service: RunningService) -> None:
    url = f"{service.url}/api/crews/claims/0123456789abcdef01"
    claim = {"ticket": "x", "job": "1", "task": "0", "claimant": "c" * 32}
    assert httpx.post(url, json=claim).status_code == 410
    assert httpx.post(url, json={**claim, "task": "x"}).status_code == 400


def test_who_waits_for_news_is_let_go_when_the_service_ends(
    start_service: Callable[..., RunningService], alice: Person, launch: str
) -> None:
    crew = asked(alice, launch, nodes=0).json()
    answers: list[int] = []
    address = f"api/crews/{launch}/{crew['id']}?after={crew['version']}&wait=25"
    waiting = threading.Thread(
        target=lambda: answers.append(alice.call("GET", address).status_code)
    )
    waiting.start()
    waiting.join(0.5)
    start_service(profiles=[PROFILES[0], {**PROFILES[1], "worker_nodes": 3}])
    waiting.join(10)
    assert answers == [200]
