"""`@jupyterhub/binderhub-client` from npm, unchanged, with an API token."""

from __future__ import annotations

import pytest
from cluster.person import Person
from service import npm
from service.repository import ServedRepository
from service.running import RunningService

pytestmark = pytest.mark.slow


def test_the_client_reaches_ready(alice: Person, repository: ServedRepository) -> None:
    events = npm.launch(alice, repository.spec())
    assert events[-1]["phase"] == "ready"
    assert events[-1]["url"].startswith(f"{alice.url}/user/alice/")
    assert [event["phase"] for event in events].count("built") == 1


def test_the_client_builds_alone(alice: Person, repository: ServedRepository) -> None:
    events = npm.launch(alice, repository.spec(), build_only=True)
    assert events[-1]["phase"] == "built"
    assert events[-1]["imageName"]
    assert alice.servers() == []


def test_the_client_shows_why_a_build_failed(
    alice: Person, repository: ServedRepository, service: RunningService
) -> None:
    service.builder.failure = {"cause": "x", "message": "No.", "advice": "Change it.", "lines": []}
    events = npm.launch(alice, repository.spec())
    assert events[-1] == {"phase": "failed", "message": "No.\nChange it.\n", "status_code": 400}


def test_the_client_shows_why_it_was_refused(alice: Person) -> None:
    (event,) = npm.launch(alice, "gh/one-part-only")
    assert event["phase"] == "failed"
    assert "A GitHub link needs an organisation and a repository." in event["message"]
