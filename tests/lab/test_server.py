"""A session in a real Jupyter server."""

from __future__ import annotations

import signal
import subprocess
import time

from lab_server import TOKEN, Jupyter, until


def processes_of(kernel: str) -> list[str]:
    # A kernel's id is in the name of the file that it was started with.
    found = subprocess.run(["pgrep", "-f", kernel], capture_output=True, text=True)
    return found.stdout.split()


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


def test_slurms_signal_asks_for_saving_and_the_server_goes_on(jupyter: Jupyter) -> None:
    jupyter.start()
    assert jupyter.process is not None
    jupyter.process.send_signal(signal.SIGUSR1)
    until(lambda: jupyter.session()["saves"] == 1)
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


def test_more_time_is_asked_of_the_hub(jupyter: Jupyter) -> None:
    jupyter.start(left=600.0, extend_minutes=30)
    jupyter.hub.left = 600.0
    assert jupyter.ask("hpcbinder/api/session/extension", {})["left"] > 2300
    assert jupyter.hub.told == [("/session/extension", {"minutes": 30}, f"token {TOKEN}")]


def test_a_server_that_nobody_launched_has_no_session(jupyter: Jupyter) -> None:
    jupyter.start_alone()
    assert "hpcbinder.session | extension was successfully loaded" in jupyter.log.read_text()
    assert jupyter.status("hpcbinder/api/session") == 404
