"""A control group of a server's own, where systemd gives its user one that stays.

Only for users who linger (`loginctl enable-linger`): the systemd of others ends with their last
session, with all that it holds, and the session that starts a server is over at once. The kernel
holds a little more here than the supervisor does: who passes a limit is ended by that, with a
sentence, and what happens between two of its looks meets this.
"""

import os
import subprocess
from typing import Dict, List

PATIENCE = 10
SPARE = 1.25
THREADS = 16
"""For each process; systemd counts both alike."""


def fence(memory_mb: int, cpus: int, processes: int, environment: Dict[str, str]) -> List[str]:
    """The words before a command that put it there, in the same process; none where that cannot
    be had."""
    limits = {
        "MemoryMax": "%dM" % (memory_mb * SPARE),
        "CPUQuota": "%d%%" % (cpus * 100),
        "TasksMax": str(processes * THREADS),
    }
    words = ["env", "XDG_RUNTIME_DIR=/run/user/%d" % os.getuid()]
    words += ["systemd-run", "--user", "--scope", "--quiet"]
    words += ["--property=%s=%s" % limit for limit in limits.items()] + ["--"]
    lingers = said(["loginctl", "show-user", "--property=Linger", str(os.getuid())], environment)
    if lingers.strip() != "Linger=yes":
        return []
    return words if said(words + ["echo", "here"], environment) == "here\n" else []


def said(command: List[str], environment: Dict[str, str]) -> str:
    """What a program prints if it works, and in time."""
    try:
        done = subprocess.run(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            universal_newlines=True,
            timeout=PATIENCE,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout if done.returncode == 0 else ""
