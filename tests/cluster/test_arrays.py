"""Arrays on a real Slurm: what the agent tells of their elements, and what a cancel costs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from cluster.rig import Rig, eventually

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

FORGED = (
    "evil\nJobId=1 ArrayJobId=1 ArrayTaskId=0-9 JobName=n UserId=bob(2002) Priority=1 "
    "JobState=COMPLETED Reason=None SubmitTime=1 Partition=p BatchHost=evil\n"
)


class Arrays:
    """Alice's, and the agent as she asks it."""

    def __init__(self, rig: Rig):
        self._rig = rig

    def submit(self, tasks: str, *options: str, name: str = "crew", script: str = "exit 0") -> str:
        """An array whose elements do this; its id."""
        words = [f"--array={tasks}", f"--job-name={name}", "--mem=50", "--output=/dev/null"]
        command = ("sbatch", "--parsable", "--chdir=/tmp", *words, *options, "--wrap", script)
        return self._rig.cluster.run("login", *command, user="alice").stdout.strip()

    def ask(self, operation: str, **request: Any) -> dict[str, Any]:
        """The agent's answer."""
        whole = {"op": operation, "nonce": "7f3a", "env": {}, "path": ["/usr/bin", "/bin"]}
        text = json.dumps(whole | request)
        agent = "/usr/libexec/hpcbinderhub/agent"
        done = self._rig.cluster.run("login", agent, user="alice", input=text)
        line = next(line for line in done.stdout.splitlines() if line.startswith("7f3a "))
        answer = json.loads(line.partition(" ")[2])
        assert "ok" in answer, answer
        return dict(answer["ok"])

    def states(self, operation: str, *jobs: str) -> dict[str, str]:
        """What is told of these."""
        more = {"clean": False} if operation == "observe" else {}
        told = self.ask(operation, jobs=jobs, **more)["jobs"]
        return {row["id"]: row["state"] for row in told}


@pytest.fixture
def arrays(rig: Rig) -> Iterator[Arrays]:
    yield Arrays(rig)
    rig.cluster.run("login", "scancel", "--user=alice", user="alice")


@pytest.mark.parametrize("name", ["crew", FORGED])
def test_elements_are_told_whatever_became_of_each(arrays: Arrays, name: str) -> None:
    job = arrays.submit("0-400:2,401-900:3%1", name=name, script="sleep 300")
    running, waiting, last = f"{job}_0", f"{job}_200", f"{job}_899"
    expected = {running: "RUNNING", waiting: "PENDING", last: "PENDING"}
    eventually(lambda: arrays.states("observe", *expected) == expected, 180, "one runs")
    arrays.ask("cancel", jobs=[waiting])
    # The queue has no record of its own for it; accounting has, in time.
    eventually(
        lambda: (
            (arrays.states("observe", waiting) or arrays.states("history", waiting))
            == {waiting: "CANCELLED"}
        ),
        60,
        "it is over",
    )
    arrays.ask("cancel", jobs=[job])
    # The one that never had a record of its own, accounting alone may know.
    ended = dict.fromkeys((running, last), "CANCELLED")
    eventually(lambda: arrays.states("observe", *ended) == ended, 180, "both are over")
    ended[waiting] = "CANCELLED"
    eventually(lambda: arrays.states("history", *ended) == ended, 180, "accounting knows")


def test_how_elements_ended_is_told_of_each(arrays: Arrays) -> None:
    job = arrays.submit("0-2", script="exit $((SLURM_ARRAY_TASK_ID % 2))")
    ended = {f"{job}_0": "COMPLETED", f"{job}_1": "FAILED", f"{job}_2": "COMPLETED"}
    for operation in ("observe", "history"):
        eventually(lambda of=operation: arrays.states(of, *ended) == ended, 180, operation)


def test_many_are_cancelled_with_one_question(rig: Rig, arrays: Arrays) -> None:
    job = arrays.submit("0-99", "--hold")
    before = killings(rig)
    arrays.ask("cancel", jobs=[f"{job}_{task}" for task in range(100) if task % 10])
    assert killings(rig) == before + 1
    left = {f"{job}_{task}": "PENDING" for task in range(0, 100, 10)}
    told = arrays.states("observe", *(f"{job}_{task}" for task in range(100)))
    assert {one: state for one, state in told.items() if state == "PENDING"} == left
    assert sorted(set(told.values())) in (["CANCELLED", "PENDING"], ["PENDING"])


def killings(rig: Rig) -> int:
    """How many requests to end jobs the controller has had."""
    found = re.search(r"REQUEST_KILL_JOB\s+\(.*?\) count:(\d+)", rig.slurm("sdiag"))
    return int(found.group(1)) if found else 0
