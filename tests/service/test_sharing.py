"""Server sharing hands over its owner's shell: with the shipped roles it is off."""

from __future__ import annotations

import pytest
from cluster.person import Person
from service.repository import ServedRepository
from service.running import RunningService

pytestmark = pytest.mark.slow


def test_nobody_shares_a_server_and_nobody_is_given_one(
    alice: Person, bob: Person, repository: ServedRepository
) -> None:
    alice.follow(alice.launch(repository.url))
    (name,) = alice.servers()
    for ways in ("shares", "share-codes"):
        refused = alice.hub("POST", f"{ways}/alice/{name}", {"user": "bob"})
        assert refused.status_code in (403, 404), refused.text
    # Nobody's role holds a scope of sharing, however she asks for a token.
    asked = {"note": "sharing", "scopes": [f"shares!server=alice/{name}"]}
    assert alice.hub("POST", "users/alice/tokens", asked).status_code == 400
    assert bob.hub("GET", f"users/alice/servers/{name}").status_code in (403, 404, 405)


def test_where_a_site_turns_it_on_the_owner_is_told_whom_she_lets_act_as_her(
    service: RunningService, bob: Person, repository: ServedRepository, people: dict[str, Person]
) -> None:
    carol = people["carol"]  # The tests' hub lets her alone share.
    carol.follow(carol.launch(repository.url))
    (name,) = carol.servers()
    try:
        for page in ("mine", ""):
            told = " ".join(carol.call("GET", page).text.split())
            assert "Whoever you share a server with acts as you" in told
            assert "Shared by JupyterHub" not in told
            assert "server sharing" not in bob.call("GET", page).text
        asked = {"user": "bob"}
        assert carol.hub("POST", f"shares/carol/{name}", asked).status_code == 200
        for page in ("mine", ""):
            told = " ".join(carol.call("GET", page).text.split())
            assert "Shared by JupyterHub with bob: this person acts as you in it" in told
        invited = carol.hub("POST", f"share-codes/carol/{name}", {}).json()
        page = bob.client.get(f"{bob.url}{invited['accept_url']}", follow_redirects=True)
        told = " ".join(page.text.split())
        assert "If you accept, you act as carol in this server." in told
        assert "carol is told the same: “this person acts as you”" in told
        assert "Accept invitation" in told  # JupyterHub's own page goes on below.
    finally:
        carol.stop(name)
