"""The ticket of a builder's job: read only where nobody else could have been, and spent."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from hpcbinderhub.builds.client import Gone, ServiceClient
from hpcbinderhub.builds.jobs import ticket
from hpcbinderhub.errors import Unavailable, UserError
from hpcbinderhub.site import Site


@pytest.fixture
def claim(tmp_path: Path) -> Path:
    """The file, as the agent writes it."""
    path = tmp_path / "claim.json"
    path.touch(0o600)
    path.write_text(json.dumps({"ticket": "the ticket"}))
    return path


def test_a_ticket_that_others_could_have_read_is_refused(claim: Path) -> None:
    assert ticket.read_ticket(claim.parent) == "the ticket"
    claim.chmod(0o640)
    with pytest.raises(UserError, match="can be read or written by others"):
        ticket.read_ticket(claim.parent)


@pytest.mark.parametrize("content", ["", "[]", "{}", "the ticket"])
def test_a_damaged_one_is_refused_without_quoting_it(claim: Path, content: str) -> None:
    claim.write_text(content)
    with pytest.raises(UserError, match="is damaged") as caught:
        ticket.read_ticket(claim.parent)
    assert "the ticket" not in caught.value.as_text()


def test_a_link_is_not_followed(claim: Path) -> None:
    claim.rename(claim.with_name("other"))
    claim.symlink_to(claim.with_name("other"))
    with pytest.raises(UserError, match="cannot be read"):
        ticket.read_ticket(claim.parent)


class Service(ServiceClient):
    """Answers what a test says, one after the other."""

    def __init__(self, *answers: Exception | tuple[str, float]):
        super().__init__(Site(), "")
        self.answers = list(answers)

    async def exchange(self, ticket: str, job: str) -> tuple[str, float]:
        assert (ticket, job) == ("the ticket", "7")
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def test_a_service_that_restarts_is_waited_for(
    claim: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ticket, "PAUSE_SECONDS", 0)
    service = Service(Unavailable("503"), Unavailable("503"), ("token", 60.0))
    assert asyncio.run(ticket.exchange(service, claim.parent, "7")) == ("token", 60.0)
    assert not claim.exists()


def test_a_refusal_is_final_and_leaves_the_ticket(claim: Path) -> None:
    with pytest.raises(UserError, match="refuses this job's ticket"):
        asyncio.run(ticket.exchange(Service(Gone("409")), claim.parent, "7"))
    assert claim.exists()
