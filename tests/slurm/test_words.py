"""Slurm's words, as people read them."""

from __future__ import annotations

import dataclasses

import pytest

from hpcbinderhub.slurm.jobs import Job
from hpcbinderhub.slurm.words import duration, how_it_ended, in_words

JOB = Job("1", 2001, "", "PENDING", "Resources", "c1", 1, 0, 0, "")
NOW = 1000.0


def words(state: str, **values: object) -> str:
    return in_words(dataclasses.replace(JOB, state=state, **values), NOW)  # type: ignore[arg-type]


def test_a_wait_is_told_with_its_reason_its_place_and_its_end() -> None:
    assert words("PENDING") == (
        "Waiting in the queue. It is next, and waits for a node to become free."
    )
    assert words("PENDING", reason="Unheard_of").endswith("Slurm says: Unheard_of.")
    assert words("PENDING", reason="ReqNodeNotAvail, UnavailableNodes:c1").endswith("is near.")
    told = words("PENDING", reason="Priority", ahead=1, started=1000 + 7200)
    assert told.endswith("1 job is ahead of it. Slurm expects it to start in about 2 hours.")
    assert "about 130 jobs" not in words("PENDING", ahead=137)
    assert "about 100 jobs are ahead" in words("PENDING", ahead=137)
    assert "expects" not in words("PENDING", started=999)


def test_a_job_on_its_node() -> None:
    assert words("CONFIGURING") == "Starting on c1, which is being made ready."
    assert words("RUNNING", ends=1000 + 3300) == "Running on c1, with about 55 minutes left."
    assert words("RUNNING") == "Running on c1."
    assert words("SUSPENDED").startswith("Slurm has suspended the job on c1.")
    assert words("COMPLETING") == "Ending on c1."
    assert words("NEW_STATE") == "Slurm says: NEW_STATE."


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"state": "TIMEOUT"}, "The job reached its time limit."),
        ({"state": "CANCELLED"}, "The job was cancelled."),
        ({"state": "CANCELLED", "by": "2001"}, "The job was cancelled from your own account."),
        ({"state": "CANCELLED", "by": "0"}, "An administrator cancelled the job."),
        (
            {"state": "CANCELLED", "by": "7"},
            "The job was cancelled by the account number 7.",
        ),
        ({"state": "FAILED", "exit_code": "0:9"}, "The job was killed (signal 9)."),
        ({"state": "FAILED", "exit_code": "2:0"}, "The job failed with exit code 2."),
        ({"state": "REVOKED"}, "Slurm moved the job to another cluster."),
    ],
)
def test_each_end_says_what_happened_and_what_to_do(values: dict[str, str], sentence: str) -> None:
    ending = how_it_ended(dataclasses.replace(JOB, **values))  # type: ignore[arg-type]
    assert ending.sentence == sentence
    assert ending.advice


def test_spans_of_time_are_coarse() -> None:
    assert [duration(s) for s in (4, 41, 70, 300, 1234, 7000, 200_000)] == [
        *("10 seconds", "40 seconds", "about a minute", "about 5 minutes"),
        *("about 20 minutes", "about 2 hours", "about 2 days"),
    ]
