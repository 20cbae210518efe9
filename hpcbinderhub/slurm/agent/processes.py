"""The processes of this host, as /proc tells of them.

A process is known by its number and the time of its start, since numbers are used again.
"""

import os
import signal
import time
from typing import Callable, Dict, List, NamedTuple

KILL_SECONDS = 10.0
PAUSE_SECONDS = 0.2
MARK = "HPCBINDER_RUN"
"""The variable by which what belongs to a server is known, whoever its parent is by now."""


class Process(NamedTuple):
    """One process; `start` is in the kernel's ticks since the host's own start."""

    pid: int
    start: int
    parent: int
    zombie: bool


def look(pid: int) -> "Process":
    """A process, or ProcessLookupError."""
    try:
        with open("/proc/%d/stat" % pid, "rb") as file:
            # Its name may hold spaces and brackets; what follows the last bracket does not.
            fields = file.read().rpartition(b")")[2].split()
    except FileNotFoundError:
        raise ProcessLookupError(pid) from None
    return Process(pid, int(fields[19]), int(fields[1]), fields[0] in (b"Z", b"X"))


def is_alive(pid: int, start: int, uid: int) -> bool:
    """Whether this very process is there, and that user's."""
    try:
        found = look(pid)
        return (found.start, os.stat("/proc/%d" % pid).st_uid, found.zombie) == (start, uid, False)
    except OSError:
        return False


def everybody() -> List[Process]:
    """All processes that may be seen."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                found.append(look(int(name)))
            except OSError:
                continue
    return found


def descendants(ancestor: int) -> List[Process]:
    """The living children of a process, theirs, and so on."""
    children: Dict[int, List[Process]] = {}
    for process in everybody():
        children.setdefault(process.parent, []).append(process)
    found: List[Process] = []
    waiting = [ancestor]
    while waiting:
        for child in children.get(waiting.pop(), []):
            found.append(child)
            waiting.append(child.pid)
    return [process for process in found if not process.zombie]


def marked(run: str) -> List[Process]:
    """The user's own processes that carry the mark of this run."""
    words = ("%s=%s" % (MARK, run)).encode()
    found = []
    for process in everybody():
        try:
            if os.stat("/proc/%d" % process.pid).st_uid != os.getuid():
                continue
            with open("/proc/%d/environ" % process.pid, "rb") as file:
                if words in file.read().split(b"\0") and process.pid != os.getpid():
                    found.append(process)
        except OSError:
            continue
    return found


def tell(processes: List[Process], number: int) -> None:
    """Send a signal to those that are still who they were."""
    for process in processes:
        try:
            if look(process.pid).start == process.start:
                os.kill(process.pid, number)
        except (ProcessLookupError, PermissionError):
            continue


def end(alive: Callable[[], List[Process]], grace: float) -> List[int]:
    """SIGTERM, and after `grace` seconds SIGKILL, until `alive` finds none. Those are left that
    the kernel does not let go, such as one that waits for a file system."""
    tell(alive(), signal.SIGTERM)
    limit = time.monotonic() + grace
    while time.monotonic() < limit and alive():
        time.sleep(PAUSE_SECONDS)
    limit = time.monotonic() + KILL_SECONDS
    while time.monotonic() < limit and alive():
        # Stopped first, all of them: what is stopped starts no others.
        tell(alive(), signal.SIGSTOP)
        tell(alive(), signal.SIGKILL)
        time.sleep(PAUSE_SECONDS)
    return [process.pid for process in alive()]


def memory(processes: List[Process]) -> int:
    """The bytes that these have in memory; what several share counts once."""
    return sum(memory_of(process.pid) for process in processes)


def memory_of(pid: int) -> int:
    try:
        with open("/proc/%d/smaps_rollup" % pid) as file:
            for line in file:
                if line.startswith("Pss:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        # A kernel before 4.14, or a process that does not show it.
        pass
    try:
        with open("/proc/%d/statm" % pid) as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0
