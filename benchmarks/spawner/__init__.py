"""Many servers and their state: ours against batchspawner's `SlurmSpawner`, on a real Slurm.

Slurm is this host's own, with munge, slurmctld and slurmd; it runs a sleeping job for each of as
many users. A hub's process with a spawner for each of them polls as JupyterHub does, first with one
server, then with all, then with all in the other class as often as its states must be asked to be
as fresh as ours were.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from .hub import Measured, Task, watched
from .slurm import SlurmWithUsers

SERVERS = 200
SECONDS = 45.0

AIMS = {
    "rpcs_per_min_1": "at most 10",
    "rpcs_per_min_200": "at most 10",
    "state_age_p99_s": "at most 10",
    "hub_cpu_batchspawner_over_ours": "at least 10",
}


def run(servers: int = SERVERS, seconds: float = SECONDS) -> dict[str, Any]:
    """Measure, print the tables, return the figures."""
    with (
        tempfile.TemporaryDirectory(prefix="bench-", dir="/tmp") as scratch,
        SlurmWithUsers(Path(scratch), servers) as slurm,
    ):
        one = measure(slurm, "ours", 1, seconds)
        ours = measure(slurm, "ours", servers, seconds)
        theirs = measure(slurm, "theirs", servers, seconds, every=ours.age_p99)
    return report(one, ours, theirs, servers)


def measure(
    slurm: SlurmWithUsers, kind: str, servers: int, seconds: float, every: float = 0.0
) -> Measured:
    """A hub with so many servers, for so long."""
    jobs = dict(list(slurm.job_of.items())[:servers])
    task = Task(kind, jobs, slurm.path, slurm.environment, seconds, every)
    return watched(task, slurm.queries)


def report(one: Measured, ours: Measured, theirs: Measured, servers: int) -> dict[str, Any]:
    """The tables, and the figures for `--json`."""
    print(f"\n{'':32} {'1, ours':>10} {f'{servers}, ours':>10} {f'{servers}, theirs':>12}")
    rows = {
        "queries of slurmctld per minute": [run.rpcs_per_min for run in (one, ours, theirs)],
        "age of a state, p99, s": [run.age_p99 for run in (one, ours, theirs)],
        "CPU of the hub's process, s/min": [run.own_cpu for run in (one, ours, theirs)],
        "CPU of what it starts, s/min": [run.childrens_cpu for run in (one, ours, theirs)],
    }
    for title, values in rows.items():
        print(f"{title:32} {values[0]:>10.2f} {values[1]:>10.2f} {values[2]:>12.2f}")
    figures = {
        "rpcs_per_min_1": round(one.rpcs_per_min, 2),
        "rpcs_per_min_200": round(ours.rpcs_per_min, 2),
        "state_age_p99_s": round(ours.age_p99, 2),
        "hub_cpu_batchspawner_over_ours": round(theirs.cpu / ours.cpu, 1),
        "hub_cpu_without_agent": round(theirs.cpu / ours.own_cpu, 1),
    }
    print(f"\n{'figure':32} {'measured':>10}   aim")
    for name, value in figures.items():
        print(f"{name:32} {value:>10}   {AIMS.get(name, '')}")
    return figures
