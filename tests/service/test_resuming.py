"""What was stopped goes on in the environment that it had, wherever that is by now."""

from __future__ import annotations

from typing import Any

import pytest
from cluster.person import Person
from images.bills.bills import bill, python
from service.repository import ServedRepository
from service.running import RunningService

pytestmark = pytest.mark.slow

MADE = bill(python("numpy", "2.1.0"), python("six", "1.17.0"))
REMOVED = "The environment was removed: it is built again, in the versions that were recorded."


@pytest.fixture
def launch(alice: Person, service: RunningService, repository: ServedRepository) -> dict[str, Any]:
    """A launch whose server ran and was stopped."""
    service.builder.bill = MADE
    return ended(alice, alice.launch(repository.url))


def ended(alice: Person, launch: str) -> dict[str, Any]:
    """How a launch is, once its server was there and is gone."""
    assert alice.follow(launch)["phase"] == "ready"
    for server in alice.servers():
        alice.stop(server)
    return shown(alice, launch)


def resumed(alice: Person, launch: dict[str, Any]) -> str:
    """The launch that a click on “Resume” makes."""
    return str(alice.call("POST", f"api/launches/{launch['id']}/again").json()["id"])


def shown(alice: Person, launch: str) -> dict[str, Any]:
    return dict(alice.call("GET", f"api/launches/{launch}").json())


def told(alice: Person, launch: str) -> list[str]:
    """Everything that its page says."""
    return [event["message"] for event in alice.events(launch)]


def build_of(alice: Person, launch: dict[str, Any]) -> dict[str, Any]:
    return dict(alice.call("GET", f"api/builds/{launch['build']}").json())


def remove(carol: Person, build: dict[str, Any]) -> None:
    """An admin has the image of a build removed."""
    assert carol.call("DELETE", f"api/images/{build['key']}").status_code == 204


def test_an_environment_that_was_removed_is_made_again_in_its_versions(
    alice: Person, carol: Person, launch: dict[str, Any]
) -> None:
    first = build_of(alice, launch)
    remove(carol, first)
    again = resumed(alice, launch)
    assert REMOVED in told(alice, again)
    second = build_of(alice, ended(alice, again))
    assert second["locked_to"] == first["id"]
    assert second["key"] != first["key"]
    # It is there now, for whatever is resumed, and for nobody who asks for the newest.
    third = resumed(alice, shown(alice, again))
    assert "This environment was built before." in told(alice, third)
    assert ended(alice, third)["build"] is None
    remove(carol, second)
    fourth = build_of(alice, ended(alice, resumed(alice, shown(alice, third))))
    assert (fourth["key"], fourth["locked_to"]) != (first["key"], None)
    newest = ended(alice, alice.launch(launch["repo_url"]))
    assert build_of(alice, newest)["key"] == first["key"]


def test_what_was_built_anew_on_request_is_not_undone(
    alice: Person, carol: Person, launch: dict[str, Any]
) -> None:
    remove(carol, build_of(alice, launch))
    locked = ended(alice, resumed(alice, launch))
    remove(carol, build_of(alice, locked))
    ended(alice, alice.launch(launch["repo_url"]))  # Somebody asks for the newest.
    again = resumed(alice, locked)
    assert any("versions may differ" in sentence for sentence in told(alice, again))
    assert ended(alice, again)["build"] is None


def test_without_a_record_its_owner_is_told_that_versions_are_those_of_today(
    alice: Person, carol: Person, service: RunningService, repository: ServedRepository
) -> None:
    before = ended(alice, alice.launch(repository.url))
    remove(carol, build_of(alice, before))
    again = resumed(alice, before)
    assert any("no record says which versions" in sentence for sentence in told(alice, again))
    assert build_of(alice, ended(alice, again))["locked_to"] is None


def test_versions_that_cannot_be_had_any_more_are_told_with_the_way_to_others(
    alice: Person, carol: Person, service: RunningService, launch: dict[str, Any]
) -> None:
    remove(carol, build_of(alice, launch))
    service.builder.failure = {
        "cause": "package-not-found",
        "message": "There is no package numpy==2.1.0.",
        "advice": "Look for a misspelt name.",
    }
    again = resumed(alice, launch)
    assert alice.follow(again)["phase"] == "failed"
    failure = shown(alice, again)["failure"]
    assert failure["message"] == "There is no package numpy==2.1.0."
    assert "For those of today, launch the repository again" in failure["advice"]
    service.builder.failure = None
    ended(alice, alice.launch(launch["repo_url"]))
