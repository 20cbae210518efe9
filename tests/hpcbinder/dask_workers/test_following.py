"""What becomes of workers when whoever is asked about them answers this or that."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from typing import Any

import pytest
from tornado.httpclient import HTTPClientError, HTTPRequest, HTTPResponse

from hpcbinder.workers import follow as following
from hpcbinder.workers.crew import Crew
from hpcbinder.workers.errors import Unreachable, WorkersError
from hpcbinder.workers.service import _refusal

CREW = Crew("1", "some", version=3)
OVER = replace(CREW, state="closed", version=9, words="These workers were closed.")


class Answers:
    """The service, with one answer after another."""

    def __init__(self, *answers: Crew | WorkersError) -> None:
        self.answers = list(answers)
        self.after: list[int] = []

    async def state(self, crew: str, after: int, wait: float) -> Crew:
        self.after.append(after)
        answer = self.answers.pop(0)
        if isinstance(answer, WorkersError):
            raise answer
        return answer


async def learned(monkeypatch: pytest.MonkeyPatch, answers: Answers) -> list[tuple[str, int, str]]:
    found: list[tuple[str, int, str]] = []
    monkeypatch.setattr(following, "FIRST_PAUSE", 0)
    monkeypatch.setattr(following, "LONGEST_PAUSE", 0)
    await following.follow(
        answers,  # type: ignore[arg-type]
        CREW,
        lambda crew, silent: found.append((crew.state, crew.version, silent)),
    )
    return found


async def test_each_look_asks_for_what_is_newer(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = Answers(replace(CREW, version=5), OVER)
    assert await learned(monkeypatch, answers) == [("open", 5, ""), ("closed", 9, "")]
    assert answers.after == [3, 5]


@pytest.mark.parametrize(
    "trouble",
    [
        Unreachable("It is away."),
        WorkersError("You may not.", status=403),
        WorkersError("Slurm's squeue failed."),
    ],
    ids=["away", "not allowed", "Slurm's own trouble"],
)
async def test_no_answer_and_no_permission_end_nothing(
    monkeypatch: pytest.MonkeyPatch, trouble: WorkersError
) -> None:
    answers = Answers(trouble, trouble, OVER)
    said = [("open", 3, trouble.message)] * 2
    assert await learned(monkeypatch, answers) == [*said, ("closed", 9, "")]


async def test_what_there_is_no_more_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    gone = Answers(WorkersError("There are no such workers.", status=404))
    assert await learned(monkeypatch, gone) == [("closed", 3, "")]


def refused(status: int, body: Any) -> WorkersError:
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    response = HTTPResponse(HTTPRequest("http://x"), status, buffer=io.BytesIO(text))
    return _refusal(HTTPClientError(status, "Not this", response))


def test_only_the_services_own_words_are_a_refusal() -> None:
    words = {"message": "There are no such workers.", "advice": "Make new ones.", "detail": None}
    error = refused(404, words)
    assert not isinstance(error, Unreachable)
    assert str(error) == "There are no such workers.\nMake new ones."
    # The hub answers for a service whose route is not there yet, and 500 is what a service says
    # that cannot ask the hub who we are.
    for status, body in ((404, b"<html>"), (404, {}), (500, words), (503, words), (502, b"")):
        assert isinstance(refused(status, body), Unreachable)
