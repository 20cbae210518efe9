"""What stays on the login node while a server runs there: the parent of all its processes.

Slurm is not there to hold limits and to end what is left, so this does. It is the agent's own
process, forked away from the connection that asked for it: a session of its own, no terminal, and
the place where orphans of the server go to (a subreaper). It waits for the server, ends it when it
is told to (SIGTERM) or when a limit is passed, sees that nothing is left of it, and writes down how
it ended. All modules are imported before it starts: the agent's file may be replaced meanwhile.
"""

import ctypes
import json
import os
import random
import resource
import signal
import sys
import time
import traceback
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Tuple

from .fence import fence
from .plain import write
from .processes import Process, descendants, end, memory

LOOK_SECONDS = 2.0
SHARE_OF_LOOKS = 50
"""What is looked at takes time: of one CPU, never more than this part."""

NICE = 10
PR_SET_PDEATHSIG, PR_SET_NAME, PR_SET_CHILD_SUBREAPER = 1, 15, 36
HEARD = (signal.SIGTERM, signal.SIGCHLD)
DEAF = HEARD + (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)


class Limits(NamedTuple):
    """What one server may have."""

    seconds: int
    memory_mb: int
    cpus: int
    processes: int
    warn: float
    """Seconds before the end of its time at which the server is told to save (SIGUSR1)."""

    grace: float
    """Seconds between SIGTERM and SIGKILL."""


class Server(NamedTuple):
    """What is to be run."""

    script: str
    environment: Dict[str, str]
    directory: str
    log: int
    """The descriptor of its log."""

    limits: Limits


def detach(work: Callable[[], None]) -> None:
    """Do `work` in a process that outlives this one, in a session of its own."""
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        return
    try:
        os.setsid()
        if os.fork() == 0:
            work()
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(0)


def supervise(server: Server, began: Callable[[], None], kept: Tuple[int, ...]) -> None:
    """Run the server to its end. `began` is called once this is a process of its own, and before
    there is a server; `kept` are the descriptors that it needs."""
    keep_nothing(server.log, kept)
    os.chdir(server.directory)
    prctl(PR_SET_NAME, ctypes.c_char_p(b"hpcbinder-serve"))
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    signal.pthread_sigmask(signal.SIG_BLOCK, DEAF)
    began()
    child = start(server)
    state, status = follow(child, server.limits)
    left = end(remaining, server.limits.grace)
    if left:
        say("These processes could not be ended: %s." % ", ".join(map(str, left)))
    outcome = {"state": state, "exit_code": slurm_code(status), "ended": int(time.time())}
    write(os.path.join(server.directory, "ended"), json.dumps(outcome))


def keep_nothing(log: int, kept: Tuple[int, ...]) -> None:
    """The log in the place of the connection's ends, and no other descriptor."""
    nothing = os.open("/dev/null", os.O_RDONLY)
    for source, target in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(source, target)
    for name in os.listdir("/proc/self/fd"):
        if int(name) > 2 and int(name) not in kept:
            try:
                os.close(int(name))
            except OSError:
                continue  # The one that listed them.


def prctl(option: int, value: Any) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, value, 0, 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def start(server: Server) -> int:
    """The server's own process; it dies with this one, unless it has other rights by then."""
    limits = server.limits
    words = fence(limits.memory_mb, limits.cpus, limits.processes, server.environment)
    words += ["/bin/bash", "-c", server.script]
    child = os.fork()
    if child:
        return child
    try:
        os.setsid()
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        limit(server.limits)
        for number in (signal.SIGPIPE, signal.SIGXFSZ):
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, [])
        os.execvpe(words[0], words, server.environment)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(127)


def limit(limits: Limits) -> None:
    """What the kernel holds for each process. A program that sets addresses aside (Java, Node)
    needs more of those than memory: hence RLIMIT_DATA and not RLIMIT_AS."""
    os.nice(NICE)
    allowed = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, random.sample(allowed, min(limits.cpus, len(allowed))))
    size = limits.memory_mb * 2**20
    resource.setrlimit(resource.RLIMIT_DATA, (size, size))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def follow(child: int, limits: Limits) -> Tuple[str, int]:
    """Wait until the server has ended or has to: in which of Slurm's words, with which status."""
    deadline = time.monotonic() + limits.seconds
    moments = [deadline]
    if limits.warn < limits.seconds:
        moments.insert(0, deadline - limits.warn)
    pause = LOOK_SECONDS
    while True:
        heard = signal.sigtimedwait(HEARD, max(0.0, min(pause, moments[0] - time.monotonic())))
        status = reap().get(child)
        if status is not None:
            return ("COMPLETED" if status == 0 else "FAILED"), status
        if heard is not None and heard.si_signo == signal.SIGTERM:
            return "CANCELLED", 0
        if time.monotonic() >= deadline:
            say("The server's time is over.")
            return "TIMEOUT", 0
        if time.monotonic() >= moments[0]:
            os.kill(child, signal.SIGUSR1)
            del moments[0]
        if heard is None:
            looked = time.monotonic()
            state = excess(limits)
            if state:
                return state, 0
            pause = max(LOOK_SECONDS, SHARE_OF_LOOKS * (time.monotonic() - looked))


def excess(limits: Limits) -> Optional[str]:
    """Which limit all processes together are beyond, if they are."""
    processes = descendants(os.getpid())
    if len(processes) > limits.processes:
        say("The server started more than %d processes and is ended." % limits.processes)
        return "TOO_MANY_PROCESSES"
    if memory(processes) > limits.memory_mb * 2**20:
        say("The server used more memory than %d MiB and is ended." % limits.memory_mb)
        return "OUT_OF_MEMORY"
    return None


def remaining() -> List[Process]:
    """What is left of the server."""
    reap()
    return descendants(os.getpid())


def reap() -> Dict[int, int]:
    """The children that have ended, orphans among them, and their statuses."""
    found: Dict[int, int] = {}
    while True:
        try:
            child, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return found
        if child == 0:
            return found
        found[child] = status


def slurm_code(status: int) -> str:
    """An exit status as Slurm writes it: the code, a colon, the signal."""
    if os.WIFSIGNALED(status):
        return "0:%d" % os.WTERMSIG(status)
    return "%d:0" % os.WEXITSTATUS(status)


def say(sentence: str) -> None:
    """A line in the server's log."""
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    print("%s hpcbinder: login node: %s" % (now, sentence))
    sys.stdout.flush()
