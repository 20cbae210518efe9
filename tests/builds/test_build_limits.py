"""Limits on memory and processes: how the kernel is told, and what is watched."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from hpcbinderhub.builds.fence import cgroup
from hpcbinderhub.builds.fence.limits import StepWatch, held, own_share, prefix, tasks
from hpcbinderhub.builds.processes import descendants
from hpcbinderhub.builds.request import Limits

LIMITS = Limits(memory_bytes=1 << 30, processes=300, disk_bytes=1 << 29)
UNIFIED = [path for path in ("/sys/fs/cgroup", "/sys/fs/cgroup/unified") if
           Path(path, "cgroup.procs").exists()]  # fmt: skip


def test_the_kernel_is_told_of_each_process_s_limits() -> None:
    assert prefix(LIMITS, None) == [
        *("prlimit", "--data=1073741824", "--nproc=300", "--fsize=536870912", "--core=0"),
        *("choom", "-n", "500", "--", "nice", "-n", "5"),
    ]
    show = "import resource as r; print([r.getrlimit(n) for n in (r.RLIMIT_DATA, r.RLIMIT_FSIZE)])"
    done = subprocess.run(
        [*prefix(LIMITS, None), sys.executable, "-c", show], capture_output=True, text=True
    )
    assert done.stdout.strip() == str([(1 << 30, 1 << 30), (1 << 29, 1 << 29)]), done.stderr


def test_memory_that_is_only_set_aside_is_no_memory() -> None:
    take = "import mmap; m = mmap.mmap(-1, 4 << 30, prot=0); print('set aside')"
    held_to = [*prefix(LIMITS, None), sys.executable, "-c"]
    done = subprocess.run([*held_to, take], capture_output=True, text=True)
    assert done.stdout == "set aside\n", done.stderr
    use = "b = bytearray(2 << 30)"
    done = subprocess.run([*held_to, use], capture_output=True, text=True)
    assert "MemoryError" in done.stderr


@pytest.fixture
def children() -> Iterator[subprocess.Popen[str]]:
    """A process with a child, and three of that, which share what it holds."""
    code = """
        import os, sys, time
        if os.fork():
            time.sleep(600)
        held = bytearray(os.urandom(1 << 20)) * 40
        for _ in range(3):
            if os.fork() == 0:
                break
        else:
            print("here", flush=True)
        time.sleep(600)
    """
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process
        os.killpg(process.pid, 9)


def found(process: subprocess.Popen[str], limits: Limits, seconds: float) -> list[str]:
    """What the watch over a process's children tells within a time."""
    told: list[str] = []
    passed = threading.Event()

    def tell(what: str) -> None:
        told.append(what)
        passed.set()

    with StepWatch(process.pid, limits, None, tell):
        passed.wait(seconds)
    return told


def test_what_is_shared_counts_once(children: subprocess.Popen[str]) -> None:
    below = descendants(children.pid)
    assert tasks(below) == 4
    assert sum(map(held, below)) > 160 << 20 > 80 << 20 > sum(map(own_share, below)) > 40 << 20
    assert found(children, Limits(memory_bytes=100 << 20, processes=100), 1.2) == []


def test_too_many_processes_are_found(children: subprocess.Popen[str]) -> None:
    assert found(children, Limits(processes=4), 60) == ["processes"]


def test_too_much_memory_is_found(children: subprocess.Popen[str]) -> None:
    assert found(children, Limits(memory_bytes=30 << 20), 60) == ["memory"]


def test_a_group_is_told_its_limits() -> None:
    assert cgroup.settings(LIMITS) == {
        "memory.max": "1073741824",
        "memory.swap.max": "0",
        "memory.oom.group": "1",
        "pids.max": "300",
    }


@pytest.mark.parametrize(
    ("own", "controllers", "expected"),
    [
        ("0::/system.slice/worker.service\n", "cpu memory pids", "system.slice/worker.service"),
        ("0::/system.slice/worker.service/worker\n", "memory pids", "system.slice/worker.service"),
        ("0::/system.slice/worker.service\n", "cpu pids", None),
        ("4:memory:/x\n0::/system.slice/worker.service\n", "hugetlb", None),
        ("4:memory:/x\n", "memory pids", None),
    ],
)
def test_a_group_of_one_s_own_has_what_it_takes(
    tmp_path: Path, own: str, controllers: str, expected: str | None
) -> None:
    group = tmp_path / "system.slice/worker.service"
    group.mkdir(parents=True)
    (group / "cgroup.controllers").write_text(f"{controllers}\n")
    (group / "cgroup.procs").touch()
    assert cgroup.delegated(own, tmp_path) == (tmp_path / expected if expected else None)


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, None),
        ({"memory.events": "low 0\noom 0\noom_kill 0\n", "pids.events": "max 0\n"}, None),
        ({"memory.events": "low 0\noom 1\noom_kill 3\n"}, "memory"),
        ({"pids.events": "max 17\n"}, "processes"),
    ],
)
def test_a_group_tells_what_it_ran_into(
    tmp_path: Path, files: dict[str, str], expected: str | None
) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    assert cgroup.passed(tmp_path) == expected


@pytest.mark.skipif(os.getuid() != 0 or not UNIFIED, reason="needs root and cgroup version 2")
def test_a_group_goes_with_all_that_is_in_it() -> None:
    group = Path(UNIFIED[-1], f"hpcbinderhub-test-{os.getpid()}")
    (group / "inner").mkdir(parents=True)
    sleeper = subprocess.Popen(["sleep", "600"])
    (group / "inner" / "cgroup.procs").write_text(str(sleeper.pid))
    cgroup.remove(group)
    assert sleeper.wait(60) == -9
    assert not group.exists()
