"""How many threads a conversion takes: what it may use, less what others use of it now."""

from __future__ import annotations

import math
import os
from pathlib import Path


def free_processors() -> int:
    """For this process, at this moment."""
    return share(len(os.sched_getaffinity(0)), _quota(), os.getloadavg()[0])


def share(processors: int, quota: float, load: float) -> int:
    """At least half of what may be used: a conversion is short, and somebody waits for it. The load
    is the last minute's, which holds this build's own as well, hence no more than half counts."""
    allowed = math.ceil(min(processors, quota))
    return max(1, math.ceil(allowed / 2), allowed - math.floor(load))


def _quota() -> float:
    """The processors' worth of time that the control group allows; endless if it sets no limit."""
    try:
        own = Path("/proc/self/cgroup").read_text().rpartition("::")[2].strip()
        limit, period = Path(f"/sys/fs/cgroup{own}/cpu.max").read_text().split()
        return int(limit) / int(period)
    except (OSError, ValueError):
        return math.inf
