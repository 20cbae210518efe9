"""Presets over REST: what one chose last, and what one keeps."""

from __future__ import annotations

import pytest
from cluster.person import Person
from service.repository import ServedRepository

pytestmark = pytest.mark.slow

CHOSEN = {"profile": "regular", "minutes": 90, "nodes": 2, "gpus": 1, "account": "geo"}


def kept(person: Person) -> list[str]:
    """Names of presets."""
    return [one["name"] for one in person.call("GET", "api/presets").json()["presets"]]


def test_a_launch_is_remembered_as_what_was_chosen_last(
    alice: Person, bob: Person, repository: ServedRepository
) -> None:
    assert alice.call("GET", "api/presets").json()["last"] is None
    asked = {"repository": repository.url, "start_when_ready": False, **CHOSEN}
    assert alice.call("POST", "api/launches", asked).status_code == 201
    last = alice.call("GET", "api/presets").json()["last"]
    assert {name: value for name, value in last.items() if value is not None} == CHOSEN
    assert bob.call("GET", "api/presets").json()["last"] is None


def test_a_preset_is_kept_renamed_and_deleted_by_its_owner_alone(
    alice: Person, bob: Person
) -> None:
    answer = alice.call("PUT", "api/presets/two%20nodes", CHOSEN)
    assert (answer.status_code, answer.json()["name"]) == (200, "two nodes")
    assert bob.call("DELETE", "api/presets/two%20nodes").status_code == 404
    renamed = alice.call("PATCH", "api/presets/two%20nodes", {"name": "zwei Knoten"})
    assert renamed.status_code == 204
    assert kept(alice) == ["zwei Knoten"]
    assert alice.call("DELETE", "api/presets/zwei%20Knoten").status_code == 204
    assert kept(alice) == []


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("%20", CHOSEN),
        ("a%2Fb", CHOSEN),
        ("a%00b", CHOSEN),
        ("x" * 61, CHOSEN),
        ("mine", {**CHOSEN, "qos": "--wrap=id"}),
        ("mine", {**CHOSEN, "command": "id"}),
        ("mine", {"minutes": 5}),
    ],
)
def test_what_is_no_name_or_no_choice_is_refused(
    alice: Person, name: str, body: dict[str, object]
) -> None:
    answer = alice.call("PUT", f"api/presets/{name}", body)
    assert answer.status_code == 400, answer.text
    assert kept(alice) == []
