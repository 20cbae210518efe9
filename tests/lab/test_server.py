"""A session in a real Jupyter server."""

from __future__ import annotations

import json
import signal
import ssl
import subprocess
import time
from typing import Any
from urllib.error import HTTPError, URLError

import pytest
from lab_server import TOKEN, Jupyter, until


def processes_of(kernel: str) -> list[str]:
    # A kernel's id is in the name of the file that it was started with.
    found = subprocess.run(["pgrep", "-f", kernel], capture_output=True, text=True)
    return found.stdout.split()


CODE = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None}


def notebook(*cells: dict[str, Any]) -> str:
    return json.dumps({"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": cells})


def ran_by(parent: int) -> list[str]:
    """The command lines of a process's children."""
    command = ["ps", "--ppid", str(parent), "-o", "args=", "-ww"]
    found = subprocess.run(command, capture_output=True, text=True)
    return found.stdout.splitlines()


def test_images_have_the_extension_and_it_is_on(jupyter: Jupyter) -> None:
    program = jupyter.environment / "bin/jupyter"
    listed = subprocess.run(
        [program, "labextension", "list"], check=True, capture_output=True, text=True
    ).stderr
    (line,) = (line for line in listed.splitlines() if "@hpcbinder/lab" in line)
    assert "enabled" in line
    assert "OK" in line


def test_the_server_says_what_is_left(jupyter: Jupyter) -> None:
    jupyter.start(left=3600.0)
    state = jupyter.session()
    assert 3500 < state["left"] <= 3600
    assert (state["saves"], state["unused_stops_in"], state["ending"]) == (0, None, "")


def test_slurms_word_asks_for_saving_and_the_server_goes_on(jupyter: Jupyter) -> None:
    jupyter.start()
    assert jupyter.process is not None
    jupyter.end_sign.mkdir()
    until(lambda: jupyter.session()["saves"] == 1)
    assert not jupyter.end_sign.exists()
    assert jupyter.process.poll() is None


def test_slurms_end_is_a_clean_one(jupyter: Jupyter) -> None:
    jupyter.start()
    kernel = jupyter.ask("api/kernels", {"name": "python3"})
    until(lambda: processes_of(kernel["id"]))
    assert jupyter.process is not None
    begun = time.monotonic()
    jupyter.process.send_signal(signal.SIGTERM)
    assert jupyter.process.wait(30) == 0
    # Slurm kills what is left after 30 seconds.
    assert time.monotonic() - begun < 25
    assert not processes_of(kernel["id"])


def test_a_server_in_which_nothing_runs_tells_the_hub_and_ends(jupyter: Jupyter) -> None:
    jupyter.start(idle_minutes=0.4)
    assert jupyter.process is not None
    assert jupyter.process.wait(90) == 0
    assert jupyter.hub.told == [("/session/ending", {"why": "idle"}, f"token {TOKEN}")]
    assert "Nothing has run in this server for 0.4 minutes" in jupyter.log.read_text()


def test_pages_that_are_open_are_no_use_and_saving_is(jupyter: Jupyter) -> None:
    jupyter.start(idle_minutes=0.4)

    def warned() -> bool:
        for path in ("api/kernels", "api/sessions", "api/terminals", "api/contents"):
            jupyter.ask(path)
        return jupyter.session()["unused_stops_in"] is not None

    until(warned)
    text = {"type": "file", "format": "text", "content": "more words"}
    jupyter.ask("api/contents/notes.txt", text, method="PUT")
    assert jupyter.session()["unused_stops_in"] is None


def test_whatever_works_for_its_owner_can_say_so(jupyter: Jupyter) -> None:
    jupyter.start(idle_minutes=0.4)
    until(lambda: jupyter.session()["unused_stops_in"] is not None)
    assert jupyter.ask("hpcbinder/api/session/use", {})["unused_stops_in"] is None


def test_a_notebook_is_run_and_the_server_ends_with_it(jupyter: Jupyter) -> None:
    defaults = {**CODE, "source": "factor = 1\nsecret = ''", "metadata": {"tags": ["parameters"]}}
    work = {**CODE, "source": "import time; time.sleep(40); print(6 * factor, len(secret))"}
    jupyter.begin_with(
        notebook(defaults, work), {"factor": 7, "secret": "s3cret"}, idle_minutes=0.4
    )
    process = jupyter.process
    assert process is not None
    (child,) = (line for line in ran_by(process.pid) if "hpcbinder run" in line)
    assert "s3cret" not in child
    # Nobody asks, nothing is saved, and the server's own kernels do nothing.
    assert process.wait(120) == 0
    words = "index.ipynb ran to its end. What it has shown is in index.out.ipynb."
    told = {"why": "run", "exit_code": 0, "words": words}
    assert jupyter.hub.told == [("/session/ending", told, f"token {TOKEN}")]
    shown = json.loads((jupyter.workspace / "index.out.ipynb").read_text())["cells"][-1]
    assert shown["outputs"][0]["text"] == ["42 6\n"]
    assert "42 6\n" in (jupyter.workspace / "index.out.log").read_text()
    assert json.loads((jupyter.workspace / "index.out.json").read_text())["exit_code"] == 0
    assert list(jupyter.keys.iterdir()) == []


def test_a_cell_that_fails_is_told_of(jupyter: Jupyter) -> None:
    jupyter.begin_with(notebook({**CODE, "source": "1 / 0"}), {})
    assert jupyter.process is not None
    assert jupyter.process.wait(60) == 0
    ((_, told, _),) = jupyter.hub.told
    assert told["exit_code"] == 1
    assert "A cell of index.ipynb failed: ZeroDivisionError" in told["words"]


def test_a_notebook_that_is_not_there_is_told_of(jupyter: Jupyter) -> None:
    jupyter.begin_with(None, {})
    assert jupyter.process is not None
    assert jupyter.process.wait(60) == 0
    ((_, told, _),) = jupyter.hub.told
    assert told["exit_code"] == 2
    assert "No such file" in told["words"]


def test_a_server_that_is_stopped_stops_its_notebook(jupyter: Jupyter) -> None:
    slow = {**CODE, "source": "print('here', flush=True)\nimport time; time.sleep(600)"}
    jupyter.begin_with(notebook(slow), {})
    log = jupyter.workspace / "index.out.log"
    until(lambda: "here" in log.read_text())
    assert jupyter.process is not None
    jupyter.process.send_signal(signal.SIGTERM)
    assert jupyter.process.wait(30) == 0
    until(lambda: "index.ipynb was stopped by SIGTERM." in log.read_text())
    assert "here" in (jupyter.workspace / "index.out.ipynb").read_text()


def test_more_time_is_asked_of_the_hub(jupyter: Jupyter) -> None:
    jupyter.start(left=600.0, extend_minutes=30)
    jupyter.hub.left = 600.0
    assert jupyter.ask("hpcbinder/api/session/extension", {})["left"] > 2300
    assert jupyter.hub.told == [("/session/extension", {"minutes": 30}, f"token {TOKEN}")]


def test_a_server_that_nobody_launched_has_no_session(jupyter: Jupyter) -> None:
    jupyter.start_alone()
    assert "hpcbinder.session | extension was successfully loaded" in jupyter.log.read_text()
    assert jupyter.status("hpcbinder/api/session") == 404


def test_a_launchs_keys_are_in_no_file_once_the_server_answers(jupyter: Jupyter) -> None:
    jupyter.start_protected()
    assert list(jupyter.keys.iterdir()) == []
    # Each is a connection of its own.
    assert jupyter.status("api/kernels") == 200
    knock = ssl.create_default_context()
    knock.check_hostname, knock.verify_mode = False, ssl.CERT_NONE
    jupyter.context = knock
    with pytest.raises((URLError, ssl.SSLError, ConnectionError)) as refused:
        jupyter.ask("api")
    assert not isinstance(refused.value, HTTPError)


def test_keys_that_somebody_else_gave_the_server_stay(jupyter: Jupyter) -> None:
    jupyter.keys = jupyter.keys.with_name("others")
    jupyter.names = {name: f"mine-{name}.pem" for name in ("certificate", "key", "client")}
    jupyter.start_protected()
    assert len(list(jupyter.keys.iterdir())) == 3
