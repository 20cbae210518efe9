"""What a launch runs by itself, from the hub's answer to the server."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hpcbinder.unattended.order import VARIABLE, from_environment, leave, run_from_claim
from hpcbinder.unattended.record import Record, ended

RUN = {"notebook": "runs/depth.ipynb", "output": None, "parameters": {"key": "s3cret"}}
SPACE = Path("/w/soundings")


def test_parameters_wait_in_a_file_of_their_owners_alone(tmp_path: Path) -> None:
    run = run_from_claim(RUN)
    assert run is not None
    left = leave(run, SPACE, tmp_path)
    assert "s3cret" not in left
    order = from_environment({VARIABLE: left})
    assert order is not None
    assert order.notebook == SPACE / "runs/depth.ipynb"
    assert (order.output, order.record, order.log) == (
        SPACE / "runs/depth.out.ipynb", SPACE / "runs/depth.out.json", SPACE / "runs/depth.out.log",
    )  # fmt: skip
    assert json.loads(order.parameters.read_text()) == {"key": "s3cret"}
    assert order.parameters.stat().st_mode & 0o777 == 0o600


def test_the_output_is_where_it_was_asked_for(tmp_path: Path) -> None:
    run = run_from_claim({**RUN, "output": "found/deep.ipynb"})
    assert run is not None
    order = from_environment({VARIABLE: leave(run, SPACE, tmp_path)})
    assert order is not None
    assert order.output == SPACE / "found/deep.ipynb"


def test_a_server_that_somebody_works_in_runs_nothing() -> None:
    assert run_from_claim(None) is None
    assert from_environment({}) is None


@pytest.mark.parametrize("found", ["index.ipynb", {**RUN, "parameters": []}, {"notebook": "a"}])
def test_what_is_not_understood_starts_no_server(found: object) -> None:
    with pytest.raises((TypeError, KeyError)):
        run_from_claim(found)


def test_what_was_killed_before_it_could_say_why(tmp_path: Path) -> None:
    run = run_from_claim(RUN)
    assert run is not None
    order = from_environment({VARIABLE: leave(run, tmp_path, tmp_path)})
    assert order is not None
    assert ended(order, -9) == (
        137, "depth.ipynb was ended by SIGKILL. Its log is depth.out.log."
    )  # fmt: skip
    order.record.parent.mkdir()
    Record("depth.ipynb", "depth.out.ipynb", 1, "A cell failed.", 1.0, 2.0).write(order.record)
    assert ended(order, 1) == (1, "A cell failed.")
