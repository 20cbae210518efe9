"""The reading process ends with the Jupyter server, and before it where something has to go."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import threading
from pathlib import Path

PR_SET_PDEATHSIG = 1
LESS_URGENT = 3
"""On two processors, the slowest of a hundred answers of the server comes a seventh sooner."""
KILL_FIRST = "800"


def stay_with(parent: int) -> None:
    """Have the kernel end this process with its parent.

    Without Linux, the end of the socket has to do: it is heard of as soon as no thread computes
    without letting the others run.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        # It ended before the kernel was told.
        os._exit(0)
    # Who presses Ctrl-C in a terminal asks the server, which may say no.
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def step_back(less_urgent: int) -> None:
    """This thread lets others go first: on Linux, a thread has a priority of its own."""
    if less_urgent and sys.platform == "linux":
        urgent = os.nice(0)
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), urgent + less_urgent)


def let_the_server_go_first() -> None:
    """For the processor, so little that pictures go on while kernels compute; and for memory."""
    os.nice(LESS_URGENT)
    # A preference; some containers do not let it be said.
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(KILL_FIRST, encoding="ascii")
