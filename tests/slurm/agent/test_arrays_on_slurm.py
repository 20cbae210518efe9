"""Arrays on a real Slurm: what the agent tells of their elements, and what a cancel costs.

There is no accounting: what the agent makes of that is in `test_arrays`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from builds.jobs.own_slurm import OwnSlurm, running, until

from .conftest import Ask

pytestmark = pytest.mark.slow

NAMED = (
    "crew",
    "evil\nJobId=1 ArrayJobId=1 ArrayTaskId=0-9 JobName=n UserId=bob(2002) Priority=1 "
    "JobState=COMPLETED Reason=None SubmitTime=1 Partition=p BatchHost=evil\n",
)


class Arrays:
    """On one cluster, as the agent sees them."""

    def __init__(self, slurm: OwnSlurm, ask: Ask):
        self._slurm = slurm
        self._where = {"path": slurm.path, "env": slurm.environment}
        self._ask = ask

    def submit(self, tasks: str, *options: str, name: str = "crew", script: str = "exit 0") -> str:
        """An array whose elements do this; its id."""
        words = (f"--array={tasks}", f"--job-name={name}", "--output=/dev/null", *options)
        return self._slurm.command("sbatch", "--parsable", *words, "--wrap", script)

    def cancel(self, *jobs: str) -> None:
        """At once."""
        self._ask("cancel", jobs=jobs, **self._where)

    def states(self, *jobs: str, clean: bool = False) -> dict[str, str]:
        """What is told of these."""
        told = self._ask("observe", jobs=jobs, clean=clean, **self._where)["jobs"]
        return {row["id"]: row["state"] for row in told}

    def killings(self) -> int:
        """How many requests to end jobs the controller has had."""
        found = re.search(r"REQUEST_KILL_JOB .*?count:(\d+)", self._slurm.command("sdiag"))
        return int(found.group(1)) if found else 0


@pytest.fixture(scope="module")
def slurm() -> Iterator[OwnSlurm]:
    with running() as made:
        yield made


@pytest.fixture
def arrays(slurm: OwnSlurm, ask: Ask) -> Iterator[Arrays]:
    yield Arrays(slurm, ask)
    slurm.end_jobs()


@pytest.mark.parametrize("name", NAMED)
def test_elements_are_told_whether_they_run_or_wait_together(arrays: Arrays, name: str) -> None:
    job = arrays.submit("0-400:2,401-900:3%1", name=name, script="sleep 300")
    expected = {f"{job}_0": "RUNNING", f"{job}_200": "PENDING", f"{job}_899": "PENDING"}
    until(lambda: arrays.states(*expected) == expected, 180)
    assert arrays.states(*expected, f"{job}_1", clean=True) == expected
    arrays.cancel(job)
    until(lambda: set(arrays.states(*expected).values()) == {"CANCELLED"}, 180)


def test_how_elements_ended_is_told_of_each(arrays: Arrays) -> None:
    job = arrays.submit("0-2", script="exit $((SLURM_ARRAY_TASK_ID % 2))")
    ended = {f"{job}_0": "COMPLETED", f"{job}_1": "FAILED", f"{job}_2": "COMPLETED"}
    until(lambda: arrays.states(*ended) == ended, 180)


@pytest.mark.parametrize("which", [range(20, 60), range(100)])
def test_many_that_wait_are_cancelled_with_one_question_and_are_over(
    arrays: Arrays, which: range
) -> None:
    job = arrays.submit("0-99", "--hold")
    before = arrays.killings()
    arrays.cancel(*(f"{job}_{task}" for task in which))
    assert arrays.killings() == before + 1
    told = arrays.states(*(f"{job}_{task}" for task in range(100)))
    assert told == {
        f"{job}_{task}": "CANCELLED" if task in which else "PENDING" for task in range(100)
    }
