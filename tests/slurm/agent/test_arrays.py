"""What the agent makes of arrays. Rows are what Slurm 22.05 prints."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hpcbinderhub.slurm.agent.elements import how_many, together

from .conftest import Ask
from .test_jobs import Program, answer, clean, program, row, site

__all__ = ["program", "site"]
Look = Callable[..., dict[str, dict[str, Any]]]

FORGED = (
    "evil\nJobId=7 ArrayJobId=7 ArrayTaskId=0-5 JobName=n UserId=alice(2001) Priority=1 "
    "JobState=COMPLETED Reason=None SubmitTime=1 Partition=p BatchHost=evil\n"
)


def element(number: int, array: int, tasks: str, state: str = "PENDING", **values: object) -> str:
    """A line of `scontrol show jobs` about one, or about all that wait."""
    head = f"JobId={number} ArrayJobId={array} ArrayTaskId={tasks} "
    return head + row(number, state, **values).partition(" ")[2]


@pytest.fixture
def look(ask: Ask, program: Program, site: dict[str, object]) -> Look:
    """`look(scontrol, jobs)`: what is told of them, by their ids."""

    def looked(printed: str, *jobs: str) -> dict[str, dict[str, Any]]:
        program("scontrol", answer(printed))
        found = ask("observe", jobs=jobs, clean=False, **site)["jobs"]
        told = {one["id"]: one for one in found}
        assert len(told) == len(found)
        return told

    return looked


def test_elements_are_jobs_whether_they_run_or_wait_together(look: Look, tmp_path: Path) -> None:
    printed = (
        element(4, 1, "0", "RUNNING", start=1001)
        + element(5, 1, "1", "COMPLETED", start=1001)
        + element(1, 1, "2-19,26-29,31-39%6", priority=50)
        + row(3, priority=90)
        + element(8, 8, "0-9", priority=80)
        # The last of an array to start has its number.
        + element(2, 2, "9", "RUNNING")
    )
    told = look(printed, "1_0", "1_1", "1_2", "1_27", "1_39", "2_9", "3")
    states = {job: (one["state"], one.get("ahead")) for job, one in told.items()}
    assert states == {
        "1_0": ("RUNNING", None),
        "1_1": ("COMPLETED", None),
        "1_2": ("PENDING", 11),
        "1_27": ("PENDING", 11),
        "1_39": ("PENDING", 11),
        "2_9": ("RUNNING", None),
        "3": ("PENDING", 0),
    }
    assert (tmp_path / "called").read_text() == "scontrol --oneliner --all --local show jobs\n"


@pytest.mark.parametrize(
    ("tasks", "number"), [("7", 1), ("0-9", 10), ("4-40:4%1", 10), ("1,3-5%2", 4), ("N/A", 1)]
)
def test_a_row_stands_for_so_many_jobs(tasks: str, number: int) -> None:
    assert how_many(tasks) == number


def test_a_cancelled_element_that_never_ran_is_over_though_slurm_keeps_no_record(
    look: Look, program: Program
) -> None:
    program("sacct", answer("1_0|4|2001|RUNNING|1000|1001|Unknown|c1|0:0\n"))
    told = look(element(1, 1, "1,5-9"), "1_1", "1_3")
    assert {job: one["state"] for job, one in told.items()} == {
        "1_1": "PENDING",
        "1_3": "CANCELLED",
    }
    assert told["1_3"]["uid"] == "2001"
    # Accounting's list of those that wait lags behind.
    program("sacct", answer("1_[0-9%1]|1|2001|PENDING|1000|Unknown|Unknown|None assigned|0:0\n"))
    assert look(element(1, 1, "1,5-9"), "1_3")["1_3"]["state"] == "CANCELLED"


def test_what_ran_before_has_the_end_that_accounting_knows(look: Look, program: Program) -> None:
    program(
        "sacct",
        answer(
            "1_3|4|2001|FAILED|1000|1001|1002|c1|1:0\n1_4|5|2001|RUNNING|1000|1001|Unknown|c1|0:0\n"
        ),
    )
    told = look(element(1, 1, "5-9"), "1_3", "1_4")
    # What runs by accounting's word alone may have been lost by the controller: that is no end.
    assert [(job, one["state"], one["exit_code"]) for job, one in told.items()] == [
        ("1_3", "FAILED", "1:0")
    ]
    program("sacct", "echo 'Unable to connect to database' >&2; exit 1")
    assert look(element(1, 1, "5-9"), "1_3") == {}


def test_all_that_wait_cancelled_at_once_are_told_by_whom(look: Look, program: Program) -> None:
    program("sacct", answer("20|20|2001|CANCELLED by 0|1000|1002|1003|None assigned|0:0\n"))
    told = look(element(20, 20, "4294967294", "CANCELLED"), "20_0", "20_9")
    assert {job: one["by"] for job, one in told.items()} == {"20_0": "0", "20_9": "0"}
    program("sacct", answer("23_[0-2,5]|23|2001|CANCELLED by 2001|1|None|2|None assigned|0:0\n"))
    told = look(element(23, 23, "0-2,5", "CANCELLED"), "23_1", "23_5")
    assert {job: one["by"] for job, one in told.items()} == {"23_1": "2001", "23_5": "2001"}


def test_a_name_that_looks_like_rows_makes_up_no_state_of_an_element(
    look: Look, program: Program
) -> None:
    program(
        "squeue",
        answer(clean(7, tasks="1-3,5") + clean(9, "RUNNING", array=7, tasks="0", node="c1")),
    )
    true = element(9, 7, "0", "RUNNING") + element(7, 7, "1-3,5")
    told = look(true + row(99, name=FORGED), "7_0", "7_1")
    assert [told[job]["state"] for job in ("7_0", "7_1")] == ["RUNNING", "PENDING"]
    assert told["7_0"]["node"] == "c1"
    # Nor is anybody kept from hearing of her own.
    bomb = FORGED.replace("ArrayTaskId=0-5", "ArrayTaskId=0-" + 30 * "9").replace("=1 ", "=\u00b2 ")
    assert look(row(3) + row(99, name=bomb), "3")["3"]["state"] == "PENDING"


def test_where_a_secret_hangs_on_it_elements_are_told_in_clean_columns(
    ask: Ask, program: Program, site: dict[str, object]
) -> None:
    program(
        "squeue",
        answer(clean(7, "RUNNING", array=1, tasks="3", node="c1") + clean(1, tasks="30-31")),
    )
    found = ask("observe", jobs=["1_3", "1_31", "1_99"], clean=True, **site)["jobs"]
    assert [(one["id"], one["state"], one["node"]) for one in found] == [
        ("1_3", "RUNNING", "c1"),
        ("1_31", "PENDING", ""),
    ]


def test_accounting_is_asked_for_arrays_and_tells_of_their_elements(
    ask: Ask, program: Program, site: dict[str, object], tmp_path: Path
) -> None:
    printed = (
        "3|3|2001|CANCELLED by 2001|1000|1001|1002|c3|0:0\n"
        "1_0|4|2001|COMPLETED|1000|1001|1002|c1|0:0\n"
        "1_5|1|2001|FAILED|1000|1001|1002|c1|1:0\n"
        "34_[4-40:4%1]|34|2001|CANCELLED by 2001|1000|None|1002|None assigned|0:0\n"
    )
    program("sacct", answer(printed))
    jobs = ["3", "1_0", "1_5", "1_3", "34_8", "35_0"]
    told = {one["id"]: one for one in ask("history", jobs=jobs, **site)["jobs"]}
    assert {job: one["state"] for job, one in told.items()} == {
        "3": "CANCELLED",
        "1_0": "COMPLETED",
        "1_5": "FAILED",
        # Nobody names it, and its array is known: it was cancelled before it ran.
        "1_3": "CANCELLED",
        "34_8": "CANCELLED",
    }
    assert "--jobs=1,3,34,35 " in (tmp_path / "called").read_text()


def test_a_submitted_array_is_found_again_as_one_job(
    ask: Ask, program: Program, site: dict[str, object], tmp_path: Path
) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "intent").write_text("1000")
    program(
        "squeue", answer(clean(6, "RUNNING", array=5, tasks="0", node="c1") + clean(5, tasks="1-3"))
    )
    request = {"name": "hpcbinder-b", "directory": str(tmp_path / "one")}
    assert ask("find", **request, **site)["job"] == "5"


def test_a_cancel_is_one_call_and_one_word_for_each_array(
    ask: Ask, program: Program, site: dict[str, object], tmp_path: Path
) -> None:
    program("scancel", "true")
    jobs = ["9", "1_3", "1_20", "1_22", "1_21", "2_0", "77"]
    ask("cancel", jobs=jobs, **site)
    assert (tmp_path / "called").read_text() == "scancel 77 9 1_[3,20-22] 2_[0]\n"
    assert together(["5", "5_1"]) == ["5", "5_[1]"]


def test_what_is_anothers_is_refused_and_what_is_gone_is_not(
    ask: Ask, program: Program, site: dict[str, object]
) -> None:
    gone = "scancel: error: Kill job error on job id 5: Invalid job id specified"
    denied = "scancel: error: Kill job error on job id 31_[1-2]: Access/permission denied"
    program("scancel", f"echo '{gone}' >&2; exit 210")
    ask("cancel", jobs=["5"], **site)
    program("scancel", f"printf '%s\\n' '{gone}' '{denied}' >&2; exit 210")
    with pytest.raises(Exception, match=r"31_\[1-2\]: Access/permission denied"):
        ask("cancel", jobs=["5", "31_1", "31_2"], **site)
