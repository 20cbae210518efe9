"""What becomes of a crew as Slurm tells of its nodes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from crews.crews import crew, told
from crews.test_changes import with_jobs

from hpcbinderhub.crews import changes
from hpcbinderhub.crews.hearing import without_doubles
from hpcbinderhub.crews.records import Crew, CrewState, NodeState
from hpcbinderhub.crews.sights import Told, asked_about, ends_soon, seen
from hpcbinderhub.crews.words import words_of
from hpcbinderhub.slurm.jobs import Job, Owned


def job(number: str, state: str, node: str = "", **more: Any) -> Job:
    """One as the hub tells of it."""
    given = {"reason": "Priority", "submitted": 1000, "started": 0, "ends": 0, "exit_code": ""}
    return Job(
        **{**given, **more, "id": number, "uid": 7, "name": "", "state": state, "node": node}
    )  # type: ignore[arg-type]


def heard(made: Crew, *jobs: Job) -> Crew:
    return seen(made, Told({Owned(one.id, "alice"): one for one in jobs}))


def test_a_node_waits_runs_and_is_lost() -> None:
    made = with_jobs(crew((4, 4)), "10")
    assert [one.job for one in asked_about(made)] == ["10_0", "10_1"]
    made = heard(made, job("10_0", "PENDING", started=5000), job("10_1", "PENDING"))
    assert made.nodes[0].words == (
        "Waiting in the queue. Jobs of higher priority are ahead in the queue."
    )
    assert made.nodes[0].expected_start == 5000
    assert words_of(made)[0] == "0 of 2 nodes run; 2 are waiting in the queue."

    made = heard(made, job("10_0", "RUNNING", "c1", started=2000, ends=5600))
    first = made.nodes[0]
    assert (first.state, first.node, first.started, first.ends) == ("running", "c1", 2000, 5600)
    assert first.expected_start == 0
    assert words_of(made)[0] == "1 of 2 nodes runs; 1 is waiting in the queue."
    assert ends_soon(first, 5400, 300)
    assert not ends_soon(first, 5000, 300)
    # One of five minutes is not replaced as soon as it begins.
    short = replace(first, started=2000, ends=2300)
    assert not ends_soon(short, 2100, 300)
    assert ends_soon(short, 2200, 300)

    made = heard(made, job("10_0", "NODE_FAIL", "c1", started=2000, ends=3000))
    assert made.nodes[0].lost
    assert told(made) == "10_0:ended 10_1:pending"
    assert (made.wanted_nodes, len(made.working)) == (2, 1)
    assert words_of(made)[:2] == (
        "0 of 2 nodes run; 1 is waiting in the queue; 1 is lost.",
        "Ask for another with scale(), or for all that are lost by replace=True.",
    )
    assert [one.job for one in asked_about(made)] == ["10_1"]


@pytest.mark.parametrize(
    ("state", "more", "words"),
    [
        ("TIMEOUT", {}, "It reached its time limit."),
        ("PREEMPTED", {}, "It made room for a job of higher priority."),
        ("OUT_OF_MEMORY", {}, "It used more memory than it had asked for."),
        ("CANCELLED", {"by": "7"}, "It was cancelled from your own account."),
        ("CANCELLED", {"by": "0"}, "An administrator cancelled the job."),
        ("FAILED", {"exit_code": "3:0"}, "It failed with exit code 3."),
        (
            "COMPLETED",
            {},
            "Its work has moved away from it, as it does before a time limit is reached, and "
            "where Slurm gives notice that a job of higher priority needs its place.",
        ),
    ],
)
def test_a_lost_node_says_how(state: str, more: dict[str, Any], words: str) -> None:
    made = heard(with_jobs(crew((4,)), "10"), job("10_0", state, "c1", **more))
    assert (made.nodes[0].lost, made.nodes[0].words) == (True, words)


def test_what_slurm_does_not_name_is_as_it_was() -> None:
    made = with_jobs(crew((4, 4)), "10")
    assert heard(made) == made


def test_a_silent_slurm_ends_nothing() -> None:
    made = heard(with_jobs(crew((4,)), "10"), job("10_0", "RUNNING", "c1", started=5, ends=9))
    silent = seen(made, Told({}, silence=60))
    assert silent.nodes[0].state is NodeState.UNKNOWN
    assert silent.nodes[0].words == (
        "Slurm has not answered for about a minute. What was known last: Running on c1."
    )
    longer = seen(silent, Told({}, silence=600))
    assert longer.nodes[0].words == (
        "Slurm has not answered for about 10 minutes. What was known last: Running on c1."
    )
    assert heard(longer, job("10_0", "RUNNING", "c1", started=5, ends=9)) == made


def test_what_is_told_to_end_is_ending_until_it_has() -> None:
    made = heard(with_jobs(crew((4, 4)), "10"), job("10_0", "RUNNING", "c1"))
    made = changes.cancelled(changes.dropped(made, ["10_0"]), {("b1", 0)})
    made = heard(made, job("10_0", "RUNNING", "c1"))
    assert told(made) == "10_0:-ending 10_1:pending"
    made = heard(made, job("10_0", "CANCELLED", "c1"))
    assert (made.nodes[0].lost, made.nodes[0].words) == (False, "It ended, as it was asked to.")
    made = changes.closing(made, "closed")
    assert words_of(made)[0] == "These workers were closed. Slurm is ending their nodes."
    made = heard(made, job("10_1", "CANCELLED"))
    assert made.state is CrewState.CLOSED
    assert words_of(made)[0] == "These workers were closed."


def test_what_nobody_hears_of_any_more_ends_a_crew_that_is_over() -> None:
    made = changes.closing(with_jobs(crew((4, 4)), "10"), "server")
    made = seen(made, Told({}, gone={("b1", 0)}))
    assert told(made) == "10_0:-ended 10_1:-pending"
    assert seen(made, Told({}, gone={("b1", 1)})).state is CrewState.CLOSED


def test_a_node_that_was_put_back_may_claim_again() -> None:
    made = heard(with_jobs(crew((4,)), "10"), job("10_0", "RUNNING", "c1", started=2000))
    claimed = replace(made.nodes[0], claimant="digest", claimed_run=2000)
    made = heard(replace(made, nodes=(claimed,)), job("10_0", "RUNNING", "c1", started=2000))
    assert made.nodes[0].claimant == "digest"
    made = heard(made, job("10_0", "PENDING"))
    assert (made.nodes[0].claimant, made.nodes[0].state) == ("", "pending")


def test_the_nodes_of_one_job_are_as_that_is() -> None:
    made = with_jobs(crew((4, 4), form="one_job"), "10")
    assert [one.job for one in asked_about(made)] == ["10"]
    made = heard(made, job("10", "RUNNING", "c[1-2]"))
    assert told(made) == "10_0:running 10_1:running"


def test_a_job_that_two_are_said_to_have_is_asked_about_for_each() -> None:
    hers, his, other = Owned("10_0", "alice"), Owned("10_0", "bob"), Owned("11_0", "bob")
    assert without_doubles([hers, his, other, hers]) == [[hers, other], [his]]
