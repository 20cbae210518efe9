"""Server sharing hands over its owner's shell: with the shipped roles it is off."""

from __future__ import annotations

import pytest
from cluster.person import Person
from service.repository import ServedRepository

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
