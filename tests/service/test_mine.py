"""What “Yours” says of servers: the hub's words, and Slurm's where the hub knows them."""

from __future__ import annotations

import re

import pytest
from cluster.person import Person
from service.repository import ServedRepository
from service.running import RunningService

from hpcbinderhub.errors import Unavailable
from hpcbinderhub.launches.serverstate import ServerStage, ServerState

pytestmark = pytest.mark.slow


def text(person: Person) -> str:
    """The page, without its marks."""
    page = person.call("GET", "mine").text
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def test_a_server_is_told_with_its_state_its_time_and_its_end(
    service: RunningService,
    alice: Person,
    repository: ServedRepository,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    launch = alice.launch(repository.url)
    alice.follow(launch)
    (name,) = alice.servers()
    running = ServerState(
        name, launch, ServerStage.RUNNING, "Running on c7, with about 25 minutes left.", age=120.0
    )
    over = ServerState(
        name,
        launch,
        ServerStage.ENDED,
        "The job reached its time limit.",
        "Resume it with more time.",
    )

    async def runs(user: str) -> tuple[list[ServerState], list[ServerState]]:
        assert user == "alice"
        return [running], []

    async def has_ended(user: str) -> tuple[list[ServerState], list[ServerState]]:
        return [], [over]

    async def is_silent(user: str) -> tuple[list[ServerState], list[ServerState]]:
        raise Unavailable("The hub cannot be reached.")

    monkeypatch.setattr(service.services.hub, "states", runs)
    page = text(alice)
    assert "Running on c7, with about 25 minutes left. (so Slurm said 2 min 0 s ago)" in page
    assert "at most" not in page

    # What the hub cannot tell is left out, and the page is there all the same.
    monkeypatch.setattr(service.services.hub, "states", is_silent)
    assert "at most 59 min left" in text(alice)

    alice.stop(name)
    assert "stopped" in text(alice)
    monkeypatch.setattr(service.services.hub, "states", has_ended)
    page = text(alice)
    assert "The job reached its time limit. Resume it with more time." in page
    assert f'data-path="api/launches/{launch}/again"' in alice.call("GET", "mine").text
    page = alice.call("GET", f"launches/{launch}").text
    assert "This server has ended. The job reached its time limit." in page
    assert "Resume it with more time." in page
