"""Servers on a login node: real processes, started, found again and ended by the agent."""

from __future__ import annotations

import json
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from slurm.agent.conftest import Ask

from hpcbinderhub.slurm.framing import AgentError

pytestmark = pytest.mark.slow

SECONDS = 180.0
"""On a busy machine, looks are as rare as this: nothing waits for it that has happened."""
LIMITS = {"seconds": 600, "memory_mb": 1024, "cpus": 1, "processes": 50, "warn": 0, "grace": 1}

STUBBORN = """
trap '' TERM
echo $$ >> pids
setsid bash -c 'trap "" TERM; echo $$ >> pids; while :; do sleep 0.2; done' &
# Its parent is gone at once, and so is its mark.
(env -i setsid bash -c 'trap "" TERM; echo $$ >> pids; while :; do sleep 0.2; done' &)
while [ "$(wc -l < pids)" -lt 3 ]; do sleep 0.05; done
touch up
while :; do sleep 0.2; done
"""


def until(true: Callable[[], Any], what: str) -> Any:
    limit = time.monotonic() + SECONDS
    while time.monotonic() < limit:
        found = true()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(f"not within {SECONDS} s: {what}")


def alive(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


class Launch:
    """One launch's server on this machine, as its hub handles it."""

    def __init__(self, ask: Ask, directory: Path):
        self.ask, self.directory = ask, directory
        self.run: dict[str, Any] = {}

    def serve(self, script: str, path: str = "", **limits: float) -> dict[str, Any]:
        more = {"path": [path, "/usr/bin", "/bin"]} if path else {}
        answer = self.ask(
            "serve", **more, directory=str(self.directory), directories=[], address="login1",
            script=script, claim={"ticket": "a secret"}, roots=[], free_mb=0,
            limits=LIMITS | limits,
        )  # fmt: skip
        self.run = answer["run"]
        return answer

    def state(self) -> str:
        run = self.run | {"uid": os.getuid()}
        return str(self.ask("servers", runs=[run])["states"][run["id"]])

    def outcome(self) -> dict[str, Any]:
        until(lambda: self.state() == "gone", "the server has ended")
        return self.ask("server-outcome", directory=str(self.directory), run=self.run)

    def end(self) -> None:
        self.ask("server-end", directory=str(self.directory), run=self.run)
        until(lambda: self.state() != "running", "the server has ended")

    def pids(self) -> list[int]:
        found = self.directory / "pids"
        return [int(line) for line in found.read_text().split()] if found.exists() else []

    def log(self) -> str:
        return (self.directory / "job.log").read_text()


@pytest.fixture
def launch(ask: Ask, tmp_path: Path) -> Iterator[Launch]:
    made = Launch(ask, tmp_path / "launch")
    yield made
    if made.run:
        made.end()


def test_a_server_outlives_the_request_and_is_started_once(launch: Launch) -> None:
    first = launch.serve("echo $$ >> pids; pwd; umask; id -u; exec sleep 600")
    again = launch.serve("echo another; exec sleep 600")
    assert again == first
    assert launch.ask("served", directory=str(launch.directory)) == {"run": first["run"]}
    assert launch.state() == "running"
    until(lambda: len(launch.log().splitlines()) == 3, "it says where it is")
    assert launch.log().split() == [str(launch.directory), "0077", str(os.getuid())]
    (pid,) = launch.pids()
    assert os.getsid(pid) == os.getpgid(pid) == pid
    assert os.readlink(f"/proc/{pid}/fd/0") == "/dev/null"
    variables = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    assert f"HPCBINDER_RUN={first['run']['id']}".encode() in variables
    assert not [text for text in variables if text.startswith(b"SSH_")]
    assert (launch.directory / "job.log").stat().st_mode & 0o777 == 0o600
    assert (launch.directory / "claim.json").stat().st_mode & 0o777 == 0o600


def test_nothing_survives_an_end_that_ignores_signals_and_leaves_its_session(
    launch: Launch, monkeypatch: pytest.MonkeyPatch
) -> None:
    launch.serve(STUBBORN)
    until((launch.directory / "up").exists, "all are up")
    pids = launch.pids()
    assert len({os.getsid(pid) for pid in pids}) == 3
    launch.end()
    until(lambda: not [pid for pid in pids if alive(pid)], "all have ended")
    assert launch.outcome() == {"state": "CANCELLED", "exit_code": "0:0"}


def test_what_marks_itself_is_ended_when_the_supervisor_was_killed(launch: Launch) -> None:
    launch.serve(
        "(setsid bash -c 'trap \"\" TERM; echo $$ >> pids; while :; do sleep 0.2; done' &)\n"
        "echo $$ >> pids; sleep 600"
    )
    until(lambda: len(launch.pids()) == 2, "both are up")
    os.kill(launch.run["pid"], signal.SIGKILL)
    until(lambda: launch.state() == "gone", "the supervisor is gone")
    launch.end()
    until(lambda: not [pid for pid in launch.pids() if alive(pid)], "both have ended")
    assert launch.outcome()["state"] == "FAILED"


@pytest.mark.parametrize(
    ("script", "limits", "state", "sentence"),
    [
        ("exit 3", {}, "FAILED", ""),
        ("exit 0", {}, "COMPLETED", ""),
        ("sleep 600 & wait", {"seconds": 1}, "TIMEOUT", "time is over"),
        (
            "for i in $(seq 12); do sleep 600 & done; wait",
            {"processes": 10},
            "TOO_MANY_PROCESSES",
            "more than 10 processes",
        ),
        (
            "for i in 1 2; do python3 -c 'import time; a = bytearray(90 << 20); time.sleep(600)' &"
            " done; wait",
            {"memory_mb": 150},
            "OUT_OF_MEMORY",
            "more memory than 150 MiB",
        ),
    ],
)
def test_how_it_ended(
    script: str, limits: dict[str, int], state: str, sentence: str, launch: Launch
) -> None:
    launch.serve(script, **limits)
    outcome = launch.outcome()
    assert outcome["state"] == state
    assert sentence in launch.log()
    if script == "exit 3":
        assert outcome["exit_code"] == "3:0"


def test_a_server_is_told_before_its_end(launch: Launch) -> None:
    # It has ten seconds to begin to listen, and ends when it has heard.
    launch.serve("trap 'echo saved; exit 4' USR1; while :; do sleep 0.1; done", warn=590)
    assert launch.outcome() == {"state": "FAILED", "exit_code": "4:0"}
    assert launch.log() == "saved\n"


def test_a_server_has_fair_limits(launch: Launch) -> None:
    launch.serve("nice; nproc; ulimit -d; ulimit -c; exec sleep 600", memory_mb=512)
    until(lambda: len(launch.log().splitlines()) == 4, "it says what it has")
    # These tests may have been given low priority themselves.
    nice = str(min(19, os.nice(0) + 10))
    assert launch.log().split() == [nice, "1", str(512 * 1024), "0"]


LOGINCTL = """#!/bin/sh
[ "$*" = "show-user --property=Linger $(id -u)" ] && echo Linger={lingers}
"""
SYSTEMD_RUN = """#!/bin/sh
echo "$XDG_RUNTIME_DIR $@" >> {folder}/asked
while [ "$1" != -- ]; do shift; done; shift
{does}
"""


@pytest.mark.parametrize(
    ("lingers", "does", "asked"),
    [
        ("yes", 'HELD=by-the-kernel exec "$@"', 2),
        # A systemd that holds nobody, and a user whose systemd ends with her session.
        ("yes", "exit 1", 1),
        ("no", "exit 1", 0),
    ],
)
def test_the_kernel_holds_a_server_whose_user_has_a_systemd_that_stays(
    lingers: str, does: str, asked: int, launch: Launch, tmp_path: Path
) -> None:
    """Doubles of systemd's commands, which run what they are given in the same process, as
    `systemd-run --scope` does."""
    programs = tmp_path / "programs"
    programs.mkdir()
    for name, text in (
        ("loginctl", LOGINCTL.format(lingers=lingers)),
        ("systemd-run", SYSTEMD_RUN.format(folder=tmp_path, does=does)),
    ):
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    launch.serve(
        'echo "$HELD" $PPID; exec sleep 600', str(programs), memory_mb=800, cpus=2, processes=50
    )
    until(lambda: launch.log().count("\n"), "it says who holds it")
    # It is the supervisor's own child in any case.
    assert launch.log().split() == ["by-the-kernel"] * (asked == 2) + [str(launch.run["pid"])]
    lines = (tmp_path / "asked").read_text().splitlines() if asked else []
    assert len(lines) == asked
    for line in lines:
        assert line.startswith(
            f"/run/user/{os.getuid()} --user --scope --quiet --property=MemoryMax=1000M "
            "--property=CPUQuota=200% --property=TasksMax=800 -- "
        )
    launch.end()
    assert launch.outcome()["state"] == "CANCELLED"


def test_no_file_of_the_launch_ends_a_living_server_or_another_process(launch: Launch) -> None:
    launch.serve("exec sleep 600")
    (launch.directory / "ended").write_text(json.dumps({"state": "COMPLETED", "exit_code": "0:0"}))
    (launch.directory / "run").write_text(json.dumps(launch.run | {"pid": os.getpid()}))
    assert launch.state() == "running"
    asked = {"directory": str(launch.directory), "run": launch.run | {"pid": os.getpid()}}
    assert launch.ask("server-end", **asked) == {}


def test_another_host_and_another_start_of_this_one_are_told_apart(launch: Launch) -> None:
    launch.serve("exec sleep 600")
    mine = launch.run
    launch.run = mine | {"host": "somewhere-else"}
    assert launch.state() == "elsewhere"
    with pytest.raises(AgentError, match=f"this is {socket.gethostname()}"):
        launch.end()
    launch.run = mine | {"boot": "earlier"}
    assert launch.state() == "restarted"
    launch.run = mine


def test_a_directory_that_cannot_be_written_starts_nothing(launch: Launch) -> None:
    launch.directory.mkdir()
    (launch.directory / "job.log").symlink_to("/etc/passwd")
    with pytest.raises(AgentError):
        launch.serve("exec sleep 600")
