"""Temporary files on a node's own disk, with the shell that looks after them."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from hpcbinderhub.slurm.node_tmp import with_own_tmp

SECONDS = 60.0
"""For what takes moments, unless the machine is busy."""


def job(folder: Path, script: str) -> list[str]:
    return with_own_tmp(["bash", "-c", script], str(folder))


def left_in(folder: Path) -> list[str]:
    store = folder / f"hpcbinder-tmp-{os.getuid()}"
    return sorted(path.name for path in store.iterdir() if path.name != "lock")


def until(true: Callable[[], object]) -> None:
    end = time.monotonic() + SECONDS
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


def living(group: int) -> bool:
    """Whether a process of this group still holds its files."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            state, _, of = path.read_text().rpartition(")")[2].split()[:3]
            if int(of) == group and state != "Z":
                return True
    return False


@contextmanager
def running(folder: Path, script: str) -> Iterator[subprocess.Popen[str]]:
    """A job that has said its first line."""
    process = subprocess.Popen(
        job(folder, script), stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert process.stdout
    process.stdout.readline()
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def test_a_job_has_a_directory_of_its_own_which_is_gone_with_it(tmp_path: Path) -> None:
    script = 'stat -c "%a %n" "$TMPDIR"; mkdir -p $TMPDIR/a/b; chmod 0 $TMPDIR/a; exit 7'
    done = subprocess.run(job(tmp_path, script), capture_output=True, text=True)
    assert done.returncode == 7
    mode, where = done.stdout.split()
    assert mode == "700"
    assert Path(where).parent == tmp_path / f"hpcbinder-tmp-{os.getuid()}"
    assert left_in(tmp_path) == []


@pytest.mark.parametrize("name", ["TERM", "HUP", "USR2"])
def test_a_signal_to_the_shell_alone_reaches_the_command(tmp_path: Path, name: str) -> None:
    script = f"trap 'echo saved; exit 5' {name}; echo up; while :; do sleep 0.05; done"
    with running(tmp_path, script) as process:
        process.send_signal(getattr(signal, f"SIG{name}"))
        said, _ = process.communicate(timeout=SECONDS)
    assert (said, process.returncode) == ("saved\n", 5)
    assert left_in(tmp_path) == []


def test_a_signal_that_comes_before_the_command_has_begun_is_not_lost(tmp_path: Path) -> None:
    store = tmp_path / f"hpcbinder-tmp-{os.getuid()}"
    store.mkdir(mode=0o700)
    with (store / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        process = subprocess.Popen(job(tmp_path, "exec sleep 60"), start_new_session=True)
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        # It waits for its turn: its traps are set.
        until(children.read_text)
        process.send_signal(signal.SIGTERM)
    try:
        assert process.wait(SECONDS) == 128 + signal.SIGTERM
    finally:
        process.kill()
        process.wait()
    assert left_in(tmp_path) == []


def test_what_a_killed_job_left_goes_with_the_next_one_and_a_living_ones_stays(
    tmp_path: Path,
) -> None:
    wait = "echo up; exec sleep 60"
    with running(tmp_path, wait) as killed:
        os.killpg(killed.pid, signal.SIGKILL)
        killed.wait()
        until(lambda: not living(killed.pid))
    dead = left_in(tmp_path)
    assert len(dead) == 2
    with running(tmp_path, wait):
        alive = left_in(tmp_path)
        assert not set(alive) & set(dead)
        subprocess.run(job(tmp_path, "true"), check=True)
        assert left_in(tmp_path) == alive


def test_a_directory_that_is_not_ones_own_is_not_used(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / f"hpcbinder-tmp-{os.getuid()}").symlink_to(elsewhere)
    done = subprocess.run(job(tmp_path, "echo ran"), capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stdout == ""
    assert "no room for temporary files" in done.stderr
    assert list(elsewhere.iterdir()) == []
