"""A launch's own directory, where the user or the launch's code put anything they liked.

The agent answers in this process: what is shown is the same, and there are many cases.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from hpcbinderhub.slurm.agent import plain
from hpcbinderhub.slurm.agent.basics import Refused
from hpcbinderhub.slurm.agent.main import OPERATIONS, operation_at
from hpcbinderhub.slurm.framing import AgentError

from .conftest import Ask
from .test_jobs import Program, clean, program, site, submit

__all__ = ["program", "site"]

SECRET = "-----BEGIN OPENSSH PRIVATE KEY-----"
FILES = ("job", "intent", "claim.json", "submit.lock", "job.log", "run", "ended")
NEW = tuple(f"{name}.new" for name in ("job", "intent", "claim.json", "run", "ended"))


@pytest.fixture
def here() -> Iterator[Ask]:
    """As `ask`, without a process of its own; whatever waits for another one is too late."""

    def run(operation: str, **request: Any) -> dict[str, Any]:
        signal.alarm(5)
        try:
            usual = {"env": {}, "path": ["/usr/bin", "/bin"]}
            return operation_at(OPERATIONS[operation])(usual | request)
        except Refused as error:
            raise AgentError(error.kind, str(error)) from None
        except OSError as error:
            raise AgentError("storage", str(error)) from None
        finally:
            signal.alarm(0)

    before = signal.signal(signal.SIGALRM, _late)
    yield run
    signal.signal(signal.SIGALRM, before)


def _late(_number: int, _frame: object) -> None:
    raise AssertionError("the agent waits")


def garbage(path: Path, _: Path) -> None:
    path.write_bytes(b"garbage, \xff and more\n")


def link(path: Path, elsewhere: Path) -> None:
    path.symlink_to(elsewhere)


def fifo(path: Path, _: Path) -> None:
    os.mkfifo(path)


def directory(path: Path, _: Path) -> None:
    path.mkdir()


Replace = Callable[[Path, Path], None]
as_anything = pytest.mark.parametrize("replace", [garbage, link, fifo, directory])


@contextmanager
def untouched(path: Path) -> Iterator[Path]:
    """A file of the user's that no container shows, and that is the same afterwards."""
    path.write_text(SECRET)
    yield path
    assert path.read_text() == SECRET


@pytest.fixture
def queue(program: Program, tmp_path: Path) -> None:
    """Slurm, which takes one job of this user's, and then has it."""
    mine = clean(41, uid=os.getuid(), submitted=9999999999, reason="Priority")
    (tmp_path / "row").write_text(mine)
    program("sbatch", f"cp {tmp_path}/row {tmp_path}/rows; echo 41")
    program("squeue", f"cat {tmp_path}/rows")
    program("sacct", "true")
    (tmp_path / "rows").touch()


def answered(operation: Callable[[], dict[str, Any]], secret: Path) -> dict[str, Any] | None:
    """Its answer, or None if it was refused with a reason. It holds nothing of the secret."""
    found, refusal = None, None
    try:
        found = operation()
    except AgentError as error:
        refusal = error
    assert refusal is None or refusal.kind in ("tampered", "storage"), refusal
    assert secret.read_text() not in f"{found} {refusal}"
    return found


@as_anything
@pytest.mark.parametrize("name", FILES + NEW)
def test_whatever_a_file_became_the_job_is_the_same_or_it_is_refused(
    here: Ask, site: dict[str, object], queue: None, tmp_path: Path, name: str, replace: Replace
) -> None:
    launch = tmp_path / "launch"
    assert submit(here, launch, site)["job"] == "41"
    (launch / name).unlink(missing_ok=True)
    with untouched(tmp_path / "id_ed25519") as secret:
        replace(launch / name, secret)
        asked = {"directory": str(launch), "name": "hpcbinder-one", **site}
        for operation in (
            lambda: submit(here, launch, site),
            lambda: here("find", **asked),
        ):
            found = answered(operation, secret)
            assert found is None or found["job"] == "41"
        answered(lambda: here("tail", file="job.log", bytes=4000, **asked), secret)
    assert (tmp_path / "called").read_text().count("sbatch") == 1


@as_anything
@pytest.mark.parametrize("name", ["job", "intent", *NEW[:3]])
def test_what_was_there_before_the_job_is_not_written_through(
    here: Ask, site: dict[str, object], queue: None, tmp_path: Path, name: str, replace: Replace
) -> None:
    launch = tmp_path / "launch"
    launch.mkdir()
    with untouched(tmp_path / "authorized_keys") as secret:
        replace(launch / name, secret)
        answered(lambda: submit(here, launch, site), secret)


def test_only_a_number_is_taken_for_a_job(
    here: Ask, site: dict[str, object], queue: None, tmp_path: Path
) -> None:
    launch = tmp_path / "launch"
    submit(here, launch, site)
    for text in ("garbage", "41,42", "41_7", "-1", "4" * 21, "٤١", "41\n42"):
        (launch / "job").write_text(text)
        found = here("find", directory=str(launch), name="hpcbinder-one", **site)
        assert found == {"job": "41"}, text


@as_anything
def test_the_log_is_shown_only_if_it_is_one(here: Ask, tmp_path: Path, replace: Replace) -> None:
    with untouched(tmp_path / "id_ed25519") as secret:
        replace(tmp_path / "job.log", secret)
        found = answered(
            lambda: here("tail", file="job.log", directory=str(tmp_path), bytes=100), secret
        )
        assert (found is None) == (replace is not garbage)


@as_anything
@pytest.mark.parametrize("name", ["run", "ended", "run.new", "ended.new", "submit.lock"])
def test_a_server_on_a_login_node_is_found_and_ends_whatever_a_file_became(
    here: Ask, tmp_path: Path, name: str, replace: Replace
) -> None:
    launch = tmp_path / "launch"
    launch.mkdir()
    dead = {"id": "0" * 32, "host": os.uname().nodename, "pid": 1, "start": 1}
    dead["boot"] = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    (launch / "run").write_text(json.dumps(dead))
    (launch / name).unlink(missing_ok=True)
    with untouched(tmp_path / "authorized_keys") as secret:
        replace(launch / name, secret)
        found = answered(lambda: here("served", directory=str(launch)), secret)
        assert found is None or found["run"] == dead
        ended = here("server-outcome", directory=str(launch), run=dead)
        assert ended == {"state": "FAILED", "exit_code": ""}


@pytest.mark.slow
@as_anything
def test_how_a_server_ended_is_written_nowhere_else(
    ask: Ask, tmp_path: Path, replace: Replace
) -> None:
    launch = tmp_path / "launch"
    with untouched(tmp_path / "authorized_keys") as secret:
        run = ask(
            "serve", directory=str(launch), directories=[], address="", roots=[], free_mb=0,
            script="while ! test -e go; do sleep 0.05; done", claim={"ticket": "t"},
            limits={
                "seconds": 600, "memory_mb": 512, "cpus": 1, "processes": 9, "warn": 0, "grace": 1
            },
        )["run"]  # fmt: skip
        replace(launch / "ended.new", secret)
        (launch / "go").touch()
        while ask("servers", runs=[run | {"uid": os.getuid()}])["states"][run["id"]] == "running":
            pass
        ended = ask("server-outcome", directory=str(launch), run=run)["state"]
        assert ended == ("FAILED" if replace is directory else "COMPLETED")


def test_who_holds_the_lock_by_hand_keeps_nobody_waiting_for_long(
    here: Ask,
    site: dict[str, object],
    queue: None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(plain, "LOCK_SECONDS", 0.3)
    launch = tmp_path / "launch"
    submit(here, launch, site)
    with (launch / "submit.lock").open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(AgentError, match="under way") as caught:
            submit(here, launch, site)
        assert caught.value.kind == "unreachable"
    assert submit(here, launch, site)["job"] == "41"


def test_the_digest_is_that_of_the_ticket_that_lies_there(
    here: Ask, site: dict[str, object], queue: None, tmp_path: Path
) -> None:
    launch = tmp_path / "launch"
    assert submit(here, launch, site)["ticket_digest"] == hashlib.sha256(b"t").hexdigest()
    for text in ("garbage", "{}", "[]", '{"ticket": 7}', '"x"'):
        (launch / "claim.json").write_text(text)
        assert submit(here, launch, site) == {"job": "41", "ticket_digest": ""}
