"""`hpcbinder run notebook.ipynb -p name value`, as a job runs it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from hpcbinder.unattended.parameters import BadParameter, value, with_parameters

DEFAULTS = 'count = 2\nname = "a"\nexact: bool = False\n'


def cell(source: str, *tags: str) -> dict[str, Any]:
    made = {"cell_type": "code", "source": source, "metadata": {"tags": list(tags)}}
    return {**made, "outputs": [], "execution_count": None}


def book(folder: Path, *cells: dict[str, Any]) -> Path:
    path = folder / "book.ipynb"
    path.write_text(
        json.dumps({"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": list(cells)})
    )
    return path


def command(*words: object) -> list[str]:
    # As a module of the installed package, whatever folder it is called from.
    return [str(Path(sys.executable).with_name("hpcbinder")), "run", *map(str, words)]


def test_words_are_what_they_look_like() -> None:
    words = ["3", "1e-3", "true", "None", "[1, 2]", "depth", '"7"', "NaN"]
    assert [value(word) for word in words] == [3, 0.001, True, None, [1, 2], "depth", "7", "NaN"]


def test_parameters_stand_behind_their_defaults_and_replace_earlier_ones() -> None:
    cells = [cell(DEFAULTS, "parameters"), cell("count = 9", "injected-parameters"), cell("count")]
    made = with_parameters(cells, {"count": 5, "exact": True})
    assert [one["source"] for one in made] == [
        DEFAULTS, "# Parameters\ncount = 5\nexact = True", "count",
    ]  # fmt: skip
    with pytest.raises(BadParameter, match=r"no parameter “counts”\. It has count, name, exact"):
        with_parameters(cells, {"counts": 5})
    with pytest.raises(BadParameter, match="has no parameters"):
        with_parameters([cell("1")], {"count": 5})
    with pytest.raises(BadParameter, match=r"no plain Python \(invalid syntax, line 1\)"):
        with_parameters([cell("%matplotlib inline\ncount = 2", "parameters")], {"count": 5})


@pytest.mark.slow
def test_a_notebook_runs_and_what_it_shows_is_kept(tmp_path: Path) -> None:
    pytest.importorskip("nbclient")
    path = book(tmp_path, cell(DEFAULTS, "parameters"), cell("print(name * count)"), cell("1 / 0"))
    before = path.read_text()
    done = subprocess.run(
        command(path, "-p", "count", "3", "-p", "name", "ha"), capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "hahaha\n" in done.stdout
    assert "A cell of book.ipynb failed: ZeroDivisionError: division by zero" in done.stderr
    assert path.read_text() == before
    kept = json.loads((tmp_path / "book.out.ipynb").read_text())
    assert kept["cells"][2]["outputs"][0]["text"] == ["hahaha\n"]
    assert kept["cells"][3]["outputs"][0]["ename"] == "ZeroDivisionError"


@pytest.mark.slow
def test_parameters_come_from_a_file_too_and_the_record_says_how_it_ended(tmp_path: Path) -> None:
    pytest.importorskip("nbclient")
    path = book(tmp_path, cell(DEFAULTS, "parameters"), cell("print(name * count)"))
    record = tmp_path / "record.json"
    words = [path, "--parameters", "-", "-p", "count", "2", "--record", record]
    given = json.dumps({"count": 9, "name": "ho"})
    done = subprocess.run(command(*words), input=given, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "hoho\n")
    kept = json.loads(record.read_text())
    assert kept.pop("begun") < kept.pop("ended")
    assert kept == {
        "notebook": str(path),
        "output": str(tmp_path / "book.out.ipynb"),
        "exit_code": 0,
        "words": "book.ipynb ran to its end. What it has shown is in book.out.ipynb.",
    }


@pytest.mark.slow
def test_a_file_without_parameters_begins_nothing(tmp_path: Path) -> None:
    pytest.importorskip("nbclient")
    path, given = book(tmp_path, cell(DEFAULTS, "parameters")), tmp_path / "given.json"
    for text, words in (("[3]", "an object of names"), ("count", "Expecting value")):
        given.write_text(text)
        done = subprocess.run(command(path, "--parameters", given), capture_output=True, text=True)
        assert (done.returncode, words in done.stderr) == (2, True), done.stderr


@pytest.mark.slow
def test_a_job_that_is_stopped_leaves_what_it_had(tmp_path: Path) -> None:
    pytest.importorskip("nbclient")
    path = book(tmp_path, cell("print('here')"), cell("import time; time.sleep(600)"))
    with subprocess.Popen(command(path), stderr=subprocess.PIPE, text=True) as job:
        assert job.stderr is not None
        for line in job.stderr:
            if "Cell 2 of 2" in line:
                break
        begun = time.monotonic()
        job.send_signal(signal.SIGTERM)
        assert "book.ipynb was stopped by SIGTERM." in job.stderr.read()
        assert job.wait() == 128 + signal.SIGTERM
        assert time.monotonic() - begun < 120
    kept = json.loads((tmp_path / "book.out.ipynb").read_text())
    assert kept["cells"][0]["outputs"][0]["text"] == ["here\n"]
