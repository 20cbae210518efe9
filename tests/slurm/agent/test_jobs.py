"""What the agent makes of Slurm's answers; `sbatch` and the others are small programs here."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from hpcbinderhub.slurm.framing import AgentError
from hpcbinderhub.slurm.refusals import explain

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


def clean(number: int, state: str = "PENDING", **values: object) -> str:
    """A line of `squeue`, of what users have no say in."""
    usual = {"id": number, "array": number, "tasks": "N/A", "uid": 2001, "state": state}
    usual |= {"submitted": 1000, "start": "N/A", "end": "N/A", "node": "n/a", "reason": "None"}
    return "\x1f".join(map(str, (usual | values).values())) + "\n"


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
    program("squeue", answer(clean(7, "RUNNING", start=1001, node="c1")))
    jobs = {job["id"]: job for job in ask("observe", jobs=["7"], clean=False, **site)["jobs"]}
    assert jobs["7"]["state"] == "RUNNING"
    assert ask("observe", jobs=["7"], clean=True, **site)["jobs"][0]["node"] == "c1"


def test_who_cancelled_is_asked_of_accounting_which_may_be_silent(
    ask: Ask, program: Program, site: dict[str, object]
) -> None:
    program("scontrol", answer(row(7, "CANCELLED")))
    program("sacct", answer("7|7|2001|CANCELLED by 0|1|2|3|c1|0:15\n"))
    assert ask("observe", jobs=["7"], clean=False, **site)["jobs"][0]["by"] == "0"
    program("sacct", "echo 'Unable to connect to database' >&2; exit 1")
    assert ask("observe", jobs=["7"], clean=False, **site)["jobs"][0]["state"] == "CANCELLED"
    with pytest.raises(AgentError) as caught:
        ask("history", jobs=["7"], **site)
    assert caught.value.kind == "unreachable"


def test_what_is_no_job_keeps_nobody_from_hearing_of_another(
    ask: Ask, program: Program, site: dict[str, object], tmp_path: Path
) -> None:
    told = "|2001|COMPLETED|1|2|3|c1|0:0"
    program(
        "sacct",
        "jobs=$(echo \"$@\" | sed 's/.*--jobs=\\([^ ]*\\).*/\\1/')\n"
        'case ,$jobs, in *99999999999,*) echo "Bad job/step specified: $jobs" >&2; exit 1;; esac\n'
        f"for job in $(echo $jobs | tr , ' '); do echo \"$job|$job{told}\"; done",
    )
    jobs = [str(number) for number in range(1, 20)] + ["99999999999"]
    told = [row["id"] for row in ask("history", jobs=jobs, **site)["jobs"]]
    assert sorted(told, key=int) == jobs[:-1]
    assert (tmp_path / "called").read_text().count("sacct") < 12
    program("sacct", "echo 'Slurm accounting storage is disabled' >&2; exit 1")
    with pytest.raises(AgentError, match="is disabled"):
        ask("history", jobs=jobs, **site)


def submit(ask: Ask, directory: Path, site: dict[str, object], log: str = "") -> dict[str, object]:
    """A submission."""
    return ask(
        "submit",
        name="hpcbinder-one",
        directory=str(directory),
        directories=[],
        roots=[],
        free_mb=0,
        log=log,
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
    mine = clean(41, uid=os.getuid(), submitted=9999999999, reason="Priority")
    program("squeue", answer(mine))
    assert submit(ask, tmp_path / "one", site)["job"] == "41"
    assert (tmp_path / "called").read_text().count("sbatch") == 1


def test_a_job_that_was_renamed_before_its_answer_came_is_found_by_where_it_works(
    ask: Ask,
    program: Program,
    site: dict[str, object],
    tmp_path: Path,
) -> None:
    program("sbatch", "echo 'Socket timed out on send/recv operation' >&2; exit 1")
    program("squeue", "true")
    program("sacct", "true")
    with pytest.raises(AgentError):
        submit(ask, tmp_path / "one", site)
    (tmp_path / "one" / "intent").write_text("1000")
    places = {"41": tmp_path / "one", "42": tmp_path / "two", "43": tmp_path / "one"}
    rows = [f"{job}\x1f{600 if job == '43' else 1001}\x1f{place}" for job, place in places.items()]
    program(
        "squeue", f'case "$*" in *--name=*) exit;; esac\n{answer(chr(10).join(rows) + chr(10))}'
    )
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
        lambda: ask("cancel", jobs=["7"], **site),
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
        ask("cancel", jobs=["7"], **site)
    assert caught.value.kind == "unreachable"
    program("scancel", "exit 0")
    ask("cancel", jobs=["7"], **site)


def test_a_log_goes_to_a_folder_of_the_user_s_alone(
    ask: Ask, program: Program, site: dict[str, object], tmp_path: Path
) -> None:
    program("sbatch", "cat > /dev/null; echo 7")
    own, stranger = tmp_path / "logs" / "alice", tmp_path / "logs" / "stranger"
    submit(ask, tmp_path / "one", site, str(own / "one"))
    assert [path.stat().st_mode & 0o777 for path in (own, own / "one")] == [0o700, 0o700]
    stranger.mkdir()
    (tmp_path / "link").symlink_to(own)
    (tmp_path / "file").touch()
    stranger.chmod(0o777)  # As good as another's: anybody may write there.
    for folder in (stranger, tmp_path / "link", tmp_path / "file"):
        with pytest.raises(AgentError) as caught:
            submit(ask, tmp_path / "two", site, str(folder / "two"))
        assert caught.value.kind == "log"
        assert "c.Site.log_root" in explain(caught.value).advice
    # Nothing was submitted, and nothing is in the way of the next try.
    assert submit(ask, tmp_path / "two", site, str(own / "two"))["job"] == "7"
    assert (tmp_path / "called").read_text().count("sbatch") == 2
