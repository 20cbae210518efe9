"""`%%workers` as it is used in a notebook."""

from __future__ import annotations

import os
import re
import signal
import threading
import time
from pathlib import Path

import pytest
from distributed import Client
from notebook import Notebook


def test_all_workers_run_a_cell_and_each_has_variables_of_its_own(notebook: Notebook) -> None:
    ran = notebook.run("%%workers\nimport os\nmine = os.getpid()")
    assert (ran.printed, ran.value, ran.error) == ("", None, None)
    ran = notebook.run("%%workers\nprint('here is', mine)\nmine")
    assert set(ran.value) == {"0", "1"}
    assert os.getpid() not in ran.value.values()
    printed = ran.printed.partition("Out")[0].splitlines()
    assert sorted(printed) == [f"[{name}] here is {pid}" for name, pid in ran.value.items()]


def test_one_worker_is_the_same_each_time(notebook: Notebook) -> None:
    notebook.run("%%workers --one\nfound = 42")
    assert notebook.run("%%workers --one\nfound").value == 42


def test_named_workers_run_it_and_no_others(notebook: Notebook) -> None:
    assert notebook.run("%%workers --on 1\n1 + 1").value == {"1": 2}
    ran = notebook.run("%%workers --on 1,7\n1 + 1")
    assert "There is no worker “7”.\nThere are 0, 1." in ran.printed


def test_values_of_the_notebook_come_along_and_the_result_goes_into_a_variable(
    notebook: Notebook,
) -> None:
    notebook.run("scale = 3\ndef grow(x):\n    return x * scale")
    ran = notebook.run("%%workers --with grow,scale --into grown\nimport os\ngrow(scale)")
    assert (ran.printed, ran.value, ran.error) == ("", None, None)
    assert notebook["grown"] == {"0": 9, "1": 9}
    assert "There is no variable “nothing”." in notebook.run("%%workers --with nothing\n1").printed


def test_a_row_is_a_run_with_variables_in_the_order_of_the_file(
    notebook: Notebook, tmp_path: Path
) -> None:
    Path("params.csv").write_text('name, depth, layers\na, 1.5, 3\n"b, c", 2, 4\nlast,-1,5\n')
    notebook.run("%%workers\nbase = 100")
    ran = notebook.run("%%workers --each params.csv\nbase += layers\n(name, depth, base)")
    assert ran.value == [("a", 1.5, 103), ("b, c", 2, 104), ("last", -1, 105)]
    # Rows leave nothing behind.
    assert notebook.run("%%workers\nbase").value == {"0": 100, "1": 100}
    notebook["table"] = [{"x": 1}, {"x": 2}]
    assert notebook.run("%%workers --each table\nx * x").value == [1, 4]


def test_a_table_that_cannot_be_variables_is_refused_in_words(notebook: Notebook) -> None:
    Path("bad.csv").write_text("a,depth (m)\n1,2\n")
    assert "The column “depth (m)” of “bad.csv” can be no variable." in (
        notebook.run("%%workers --each bad.csv\n1").printed
    )
    Path("short.csv").write_text("a,b\n1,2\n3\n")
    assert "Line 3 of short.csv has more or fewer values than names" in (
        notebook.run("%%workers --each short.csv\n1").printed
    )
    assert "There is no file “none.csv”" in notebook.run("%%workers --each none.csv\n1").printed
    ran = notebook.run("%%workers --some\n1")
    assert "unrecognized arguments: --some" in ran.printed
    assert "--each FILE" in ran.printed


def test_a_traceback_names_the_cell_and_its_line_once_for_all_workers(notebook: Notebook) -> None:
    notebook.run("%%workers\ndef inverse(x):\n    return 1 / x")
    number = notebook.shell.execution_count
    ran = notebook.run("%%workers\nvalue = 0\ninverse(value)")
    assert f"  Cell In[{number}], line 3, in <module>\n    inverse(value)\n" in ran.printed
    assert f"  Cell In[{number - 1}], line 3, in inverse\n    return 1 / x\n" in ran.printed
    assert ran.printed.count("ZeroDivisionError: division by zero") == 1
    assert "(0; 1)\n\n2 of 2 failed." in ran.printed
    assert "hpcbinder" not in ran.printed
    assert [done.worker for done in ran.error.failed] == ["0", "1"]


def test_a_cell_that_is_no_python_is_sent_nowhere(notebook: Notebook) -> None:
    ran = notebook.run("%%workers\nprint('begun')\nx = = 1")
    assert isinstance(ran.error, SyntaxError)
    assert ran.error.lineno == 3
    assert "begun" not in ran.printed.splitlines()


def test_rows_that_fail_are_named_and_the_others_are_kept(notebook: Notebook) -> None:
    notebook["table"] = [{"x": 1}, {"x": 0}, {"x": 2}]
    ran = notebook.run("%%workers --each table --into found\n2 / x")
    assert re.search(r"^\[[01] row 1\] ZeroDivisionError: division by zero$", ran.printed, re.M)
    assert re.search(r"^\([01], row 1\)\n\n1 of 3 failed\.", ran.printed, re.M)
    assert [notebook["found"][0], notebook["found"][2]] == [2, 1]
    assert str(notebook["found"][1]) == "ZeroDivisionError: division by zero"


def test_in_the_background_results_and_prints_arrive_while_it_runs(notebook: Notebook) -> None:
    Path("0").touch()
    notebook["table"] = [{"wait": 0}, {"wait": 1}]
    ran = notebook.run(
        "%%workers --background --each table --into run\n"
        "from pathlib import Path\n"
        "import time\n"
        "print('before', wait, flush=True)\n"
        "while wait and not Path('1').exists():\n"
        "    time.sleep(0.01)\n"
        "wait * 10"
    )
    run = notebook["run"]
    assert "0 of 2 done" in ran.printed
    arriving = iter(run)
    first = next(arriving)
    assert (first.row, first.value, run.done) == ({"wait": 0}, 0, False)
    assert run.wait(lambda: len(run.output) == 2, 60)
    assert sorted(line.text for line in run.output) == ["before 0", "before 1"]
    assert "1 of 2 done" in repr(run)
    Path("1").touch()
    assert next(arriving).value == 10
    assert run.result() == [0, 10]


LOOP = """\
from pathlib import Path
Path(f"in-{n}").touch()
try:
    while True:
        pass
finally:
    Path(f"out-{n}").touch()
"""


PATIENCE = 60.0


@pytest.fixture
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a busy machine interrupts late is not taken for stuck."""
    monkeypatch.setattr("hpcbinder.cells.run.GRACE_SECONDS", PATIENCE)


@pytest.mark.usefixtures("patience")
def test_cancelling_ends_what_runs_and_what_waits(notebook: Notebook, client: Client) -> None:
    notebook["table"] = [{"n": n} for n in range(6)]
    notebook.run(f"%%workers --background --each table --into run\n{LOOP}")
    run = notebook["run"]
    eventually(lambda: len(list(Path().glob("in-*"))) == 2)
    begun = time.monotonic()
    run.cancel()
    assert time.monotonic() - begun < PATIENCE
    assert run.stuck == []
    assert repr(run).startswith(f"{run.cell.label}: 6 of 6 cancelled, ")
    assert len(list(Path().glob("in-*"))) == len(list(Path().glob("out-*"))) == 2
    # The workers are as they were.
    assert notebook.run("%%workers\n1 + 1").value == {"0": 2, "1": 2}


@pytest.mark.usefixtures("patience")
def test_interrupting_the_notebook_ends_the_work(notebook: Notebook) -> None:
    def press() -> None:
        eventually(lambda: Path("in-1").exists())
        os.kill(os.getpid(), signal.SIGINT)

    presser = threading.Thread(target=press)
    presser.start()
    ran = notebook.run(f"%%workers --one\nn = 1\n{LOOP}")
    presser.join()
    assert isinstance(ran.error, KeyboardInterrupt)
    assert Path("out-1").exists()
    assert "1 of 1 cancelled" in ran.printed


@pytest.mark.usefixtures("patience")
def test_a_program_that_a_cell_waits_for_is_ended_with_it(notebook: Notebook) -> None:
    notebook.run(
        "%%workers --one --background --into run\n"
        "import subprocess\n"
        "from pathlib import Path\n"
        "child = subprocess.Popen(['sleep', '600'])\n"
        "Path('pid').write_text(str(child.pid))\n"
        "child.wait()"
    )
    eventually(lambda: Path("pid").exists() and Path("pid").read_text())
    pid = int(Path("pid").read_text())
    notebook["run"].cancel()
    assert notebook["run"].stuck == []
    eventually(lambda: not Path(f"/proc/{pid}").exists() or "\nState:\tZ" in status(pid))


def test_what_cannot_be_interrupted_is_said(notebook: Notebook) -> None:
    # Who opens it to read waits for one who opens it to write.
    os.mkfifo("gate")
    notebook.run(
        "%%workers --one --background --into run\nprint('waits', flush=True)\nopen('gate').close()"
    )
    run = notebook["run"]
    assert run.wait(lambda: len(run.output) > 0, 60)
    run.cancel()
    os.close(os.open("gate", os.O_RDWR))
    assert "still in a call that cannot be interrupted" in repr(run)
    assert run.done


def test_a_worker_that_dies_fails_its_part_and_not_the_notebook(notebook: Notebook) -> None:
    ran = notebook.run("%%workers --one\nimport os\nos._exit(3)")
    assert "1 of 1 failed." in ran.printed
    assert "WorkerLost" in ran.printed or "KilledWorker" in ran.printed


def eventually(condition: object, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def status(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return "\nState:\tZ"
