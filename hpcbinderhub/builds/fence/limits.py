"""How much memory and how many processes a build's steps may have.

The kernel holds each process and each user of a step to the limits (`prefix`), or all of them
together where the builder's account has a cgroup of its own. Without one, what they have together
is looked at twice a second, and a build that is over its limit is ended.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from hpcbinderhub.builds import processes
from hpcbinderhub.builds.fence import cgroup
from hpcbinderhub.builds.request import Limits

SECONDS = 0.5

# Under its cgroup's name rather than as a process, so that what forks meanwhile is in it as well.
JOIN = ("sh", "-c", 'echo 0 > "$0" && exec "$@"')


def prefix(limits: Limits, group: Path | None) -> list[str]:
    """What goes before a command so that it and all it starts are held to the limits.

    Not `RLIMIT_AS`: many programs set aside far more addresses than they ever use memory. The
    processes are counted by the kernel for each user id of the build's own user namespace, so that
    no build counts against another.
    """
    join = [*JOIN, str(group / "cgroup.procs")] if group else []
    return [
        *join,
        "prlimit",
        f"--data={limits.memory_bytes}",
        f"--nproc={limits.processes}",
        f"--fsize={limits.disk_bytes}",
        "--core=0",
        # If the host itself runs out of memory, the kernel takes a build step first.
        *("choom", "-n", "500", "--"),
        *("nice", "-n", "5"),
    ]


@dataclass(frozen=True)
class Usage:
    """What a process and all below it have."""

    processes: int
    memory_bytes: int


Passed = Callable[[Literal["memory", "processes"]], None]


class StepWatch:
    """Tells once when the steps that run while it is entered pass a limit together."""

    def __init__(self, root: int, limits: Limits, group: Path | None, passed: Passed):
        self._root = root
        self._limits = limits
        self._group = group
        self._passed = passed
        self._over = threading.Event()

    def __enter__(self) -> None:
        threading.Thread(target=self._run, name="step-watch", daemon=True).start()

    def __exit__(self, *_: object) -> None:
        self._over.set()

    def _run(self) -> None:
        while not self._over.wait(SECONDS):
            what = self._found()
            if what is not None:
                self._passed(what)
                return

    def _found(self) -> Literal["memory", "processes"] | None:
        if self._group is not None:
            return cgroup.passed(self._group)
        below = processes.descendants(self._root)
        if tasks(below) >= self._limits.processes:
            return "processes"
        # What several share counts for each of them at first; to count it once takes longer.
        if sum(map(held, below)) > self._limits.memory_bytes < sum(map(own_share, below)):
            return "memory"
        return None


def tasks(below: Sequence[int]) -> int:
    """How many processes and threads there are."""
    return sum(_number(process, "status", "Threads") or 0 for process in below)


def held(process: int) -> int:
    """Bytes of memory that a process holds and that no file backs."""
    return sum(_number(process, "status", name) or 0 for name in ("RssAnon", "RssShmem")) << 10


def own_share(process: int) -> int:
    """The same, where what processes share is divided among them."""
    names = ("Pss_Anon", "Pss_Shmem")
    return sum(_number(process, "smaps_rollup", name) or 0 for name in names) << 10


def _number(process: int, file: str, name: str) -> int | None:
    try:
        text = Path("/proc", str(process), file).read_text("utf-8", errors="replace")
    except OSError:
        return None  # It has ended.
    found = re.search(rf"^{name}:\s+(\d+)", text, re.MULTILINE)
    return int(found[1]) if found else None
