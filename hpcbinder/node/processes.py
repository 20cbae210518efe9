"""What Linux can do for a process that answers for others."""

from __future__ import annotations

import ctypes
import os
import signal
from contextlib import suppress
from pathlib import Path

M_TRIM_THRESHOLD = -1
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
PAGE = os.sysconf("SC_PAGE_SIZE")

_libc = ctypes.CDLL(None, use_errno=True)


def adopt_orphans() -> None:
    """Whatever a descendant leaves behind becomes a child of ours."""
    _libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def die_with(parent: int, number: int = signal.SIGKILL) -> None:
    """Get a signal when the parent ends, however it ends."""
    _libc.prctl(PR_SET_PDEATHSIG, number, 0, 0, 0)
    if os.getppid() != parent:
        # It was faster.
        os.kill(os.getpid(), number)


def return_memory() -> None:
    """Give memory that was freed back to the system early, as Dask's nanny has its workers do."""
    if "MALLOC_TRIM_THRESHOLD_" not in os.environ and hasattr(_libc, "mallopt"):
        _libc.mallopt(M_TRIM_THRESHOLD, 64 * 1024)


def resident(process: int) -> int:
    """Bytes of memory that a process holds, by one small read; 0 if it is gone."""
    try:
        with open(f"/proc/{process}/statm", "rb") as file:
            return int(file.read().split()[1]) * PAGE
    except (OSError, IndexError):
        return 0


def threads() -> int:
    """How many threads this process has, those of libraries included."""
    return len(os.listdir("/proc/self/task"))


def children(parent: int) -> list[int]:
    """The child processes of a process, dead ones that nobody has waited for aside."""
    try:
        # All that was forked by a thread, and launchers have one.
        found = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    except OSError:
        # Kernels may be built without it.
        found = [entry.name for entry in Path("/proc").iterdir() if entry.name.isdecimal()]
    return [process for process in map(int, found) if _is_child(process, parent)]


def _is_child(process: int, parent: int) -> bool:
    try:
        stat = Path(f"/proc/{process}/stat").read_text(errors="replace")
    except OSError:
        return False
    # The name in parentheses may hold anything.
    state, above, *_ = stat.rpartition(")")[2].split()
    return int(above) == parent and state != "Z"


def kill(process: int, number: int = signal.SIGKILL) -> None:
    """Send a signal to a process that may be gone."""
    with suppress(ProcessLookupError):
        os.kill(process, number)


def kill_session(session: int) -> None:
    """End what a dead worker has left of its own session."""
    for process in children(os.getpid()):
        with suppress(ProcessLookupError):
            if os.getsid(process) == session:
                kill(process)


def kill_all() -> None:
    """End every descendant: each round's orphans are children in the next."""
    own = os.getpid()
    while found := children(own):
        for process in found:
            kill(process)
        for process in found:
            with suppress(ChildProcessError):
                os.waitpid(process, 0)
