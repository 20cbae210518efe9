"""What the agent makes of Slurm's answers; `sbatch` and the others are small programs here."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from hpcbinderhub.slurm.framing import AgentError

from .conftest import Ask

ROW = (
    "JobId={id} JobName={name} UserId=alice({uid}) GroupId=alice(2001) MCS_label=N/A "
    "Priority={priority} Nice=0 JobState={state} Reason=Priority Requeue=0 Restarts=0 "
    "ExitCode=0:0 SubmitTime=1000 StartTime={start} EndTime=Unknown Partition=p NodeList={node}\n"
)
Program = Callable[[str, str], None]


def row(number: int, state: str = "PENDING", **values: object) -> str:
    """A line of `scontrol show jobs`."""
    usual = {"name": "n", "uid": 2001, "priority": 100, "start": "Unknown", "node": ""}
    return ROW.format(**{**usual, "id": number, "state": state, **values})


@pytest.fixture
def program(tmp_path: Path) -> Program:
    """`program(name, script)`: what a command of Slurm's does."""
    (tmp_path / "bin").mkdir()

    def make(name: str, script: str) -> None:
        path = tmp_path / "bin" / name
        path.write_text(f'#!/bin/sh\necho {name} "$@" >> {tmp_path}/called\n{script}\n')
        path.chmod(0o755)

    return make


@pytest.fixture
def site(tmp_path: Path) -> dict[str, object]:
    """Where those programs are."""
    return {"path": [str(tmp_path / "bin"), "/usr/bin", "/bin"]}


def answer(text: str) -> str:
    """A script that prints this."""
    return f"cat <<'END'\n{text}END"


def test_a_look_is_one_question_and_tells_the_place(
    ask: Ask, program: Program, site: dict[str, object], tmp_path: Path
) -> None:
    lines = row(1, priority=50) + row(2, priority=90) + row(3, priority=70) + row(4, "RUNNING")
    program("scontrol", answer(lines))
    found = ask("observe", jobs=["1", "4"], clean=False, **site)["jobs"]
    assert {job["id"]: job.get("ahead") for job in found} == {"1": 2, "4": None}
    assert (tmp_path / "called").read_text() == ("scontrol --oneliner --all --local show jobs\n")


@pytest.mark.parametrize(
    "name",
    [
        "n JobState=COMPLETED",
        "n\nJobId=7 JobName=n UserId=alice(2001) Priority=1 JobState=COMPLETED Reason=None "
        "SubmitTime=1 Partition=p BatchHost=evil",
    ],
)
def test_what_a_user_writes_into_a_name_makes_up_no_state(
    ask: Ask, program: Program, site: dict[str, object], name: str
) -> None:
    program("scontrol", answer(row(7, "RUNNING", start=1000) + row(8, name=name)))
    clean = "\x1f".join(["7", "2001", "RUNNING", "1000", "1001", "NONE", "c1", "None"])
    program("squeue", answer(clean + "\n"))
    jobs = {job["id"]: job for job in ask("observe", jobs=["7"], clean=False, **site)["jobs"]}
    assert jobs["7"]["state"] == "RUNNING"
    assert ask("observe", jobs=["7"], clean=True, **site)["jobs"][0]["node"] == "c1"


def test_who_cancelled_is_asked_of_accounting_which_may_be_silent(
    ask: Ask, program: Program, site: dict[str, object]
) -> None:
    program("scontrol", answer(row(7, "CANCELLED")))
    program("sacct", answer("7|2001|CANCELLED by 0|1|2|3|c1|0:15\n"))
    assert ask("observe", jobs=["7"], clean=False, **site)["jobs"][0]["by"] == "0"
    program("sacct", "echo 'Unable to connect to database' >&2; exit 1")
    assert ask("observe", jobs=["7"], clean=False, **site)["jobs"][0]["state"] == "CANCELLED"
    with pytest.raises(AgentError) as caught:
        ask("history", jobs=["7"], **site)
    assert caught.value.kind == "unreachable"


def submit(ask: Ask, directory: Path, site: dict[str, object]) -> dict[str, object]:
    """A submission."""
    return ask(
        "submit",
        name="hpcbinder-one",
        directory=str(directory),
        directories=[],
        roots=[],
        free_mb=0,
        options=["--job-name=hpcbinder-one"],
        script="#!/bin/sh\n",
        claim={"ticket": "t"},
        **site,
    )


def test_a_submission_without_an_answer_is_looked_for_and_not_repeated(
    ask: Ask, program: Program, site: dict[str, object], tmp_path: Path
) -> None:
    program("sbatch", "echo 'Socket timed out on send/recv operation' >&2; exit 1")
    program("squeue", "true")
    program("sacct", "true")
    for _ in range(2):
        with pytest.raises(AgentError) as caught:
            submit(ask, tmp_path / "one", site)
        assert caught.value.kind == "unreachable"
    assert (tmp_path / "called").read_text().count("sbatch") == 1
    clean = ["41", str(os.getuid()), "PENDING", "9999999999", "N/A", "N/A", "n/a", "Priority"]
    program("squeue", answer("\x1f".join(clean) + "\n"))
    assert submit(ask, tmp_path / "one", site)["job"] == "41"
    assert (tmp_path / "called").read_text().count("sbatch") == 1


def test_a_controller_that_cannot_be_reached_is_no_refusal(
    ask: Ask, program: Program, site: dict[str, object], tmp_path: Path
) -> None:
    words = "Batch job submission failed: Unable to contact slurm controller (connect failure)"
    program("sbatch", f"echo '{words}' >&2; exit 1")
    program("scancel", "echo 'Unable to contact slurm controller (connect failure)' >&2; exit 1")
    for operation in (
        lambda: submit(ask, tmp_path / "one", site),
        lambda: ask("cancel", job="7", **site),
    ):
        with pytest.raises(AgentError) as caught:
            operation()
        assert caught.value.kind == "unreachable"
    program("sbatch", "echo 42")
    assert submit(ask, tmp_path / "one", site)["job"] == "42"


def test_a_cancel_that_went_nowhere_is_none_whatever_its_exit_code(
    ask: Ask, program: Program, site: dict[str, object]
) -> None:
    words = "scancel: error: Unable to establish control machine address"
    program("scancel", f"echo '{words}' >&2; exit 0")
    with pytest.raises(AgentError) as caught:
        ask("cancel", job="7", **site)
    assert caught.value.kind == "unreachable"
    program("scancel", "exit 0")
    ask("cancel", job="7", **site)
