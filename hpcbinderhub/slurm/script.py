"""What is handed to `sbatch`, as pure functions of typed values."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from ..launches.options import LaunchOptions
from ..profiles import Profile, Resources
from ..workspaces import Places


def job_name(launch: str) -> str:
    """The name by which a launch's job is found again."""
    return f"hpcbinder-{launch}"


def sbatch_options(
    options: LaunchOptions, profile: Profile, resources: Resources, where: Places
) -> tuple[str, ...]:
    """Every Slurm option, for `sbatch`'s own command line: there nothing in the user's environment
    or in a script overrides it."""
    chosen = [
        f"--job-name={job_name(options.launch)}",
        f"--partition={profile.partition}",
        f"--time={resources.minutes}",
        f"--nodes={resources.nodes}",
        "--ntasks-per-node=1",
        f"--cpus-per-task={resources.cpus}",
        f"--mem={resources.memory_mb}M",
        f"--chdir={where.launch}",
        f"--output={str(where.launch).replace('%', '%%')}/job.log",
        "--open-mode=append",
        # A second incarnation would start with the first one's ticket, which is spent.
        "--no-requeue",
    ]
    if profile.qos:
        chosen.append(f"--qos={profile.qos}")
    if options.account:
        chosen.append(f"--account={options.account}")
    if resources.gpus:
        chosen.append(f"--gres=gpu:{resources.gpus}")
    return tuple(chosen)


def batch_script(prologue: str, modules: Sequence[str], command: Sequence[str]) -> str:
    """The script that Slurm runs: the site's own lines, the profile's environment modules, then the
    engine in the shell's place, so that signals reach it."""
    lines = ["#!/bin/bash", "umask 077", prologue.strip()]
    lines += [f"module load {shlex.quote(module)} || exit" for module in modules]
    lines.append(f"exec {shlex.join(command)}")
    return "\n".join(line for line in lines if line) + "\n"
