"""What is handed to `sbatch`, as pure functions of typed values."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from ..launches.options import LaunchOptions
from ..profiles import Component, Profile, Resources
from ..profiles.extra import command_line
from ..workspaces import Places

END_IS_NEAR = "USR1"
"""The signal that a job gets some time before its end, or when it has to make room."""


def job_name(launch: str) -> str:
    """The name by which a launch's job is found again."""
    return f"hpcbinder-{launch}"


def sbatch_options(
    options: LaunchOptions, profile: Profile, resources: Resources, where: Places
) -> tuple[str, ...]:
    """Every Slurm option, for `sbatch`'s own command line: there nothing in the user's environment
    or in a script overrides it. Further components of a heterogeneous job follow, each after a
    colon; the server runs in the first."""
    name = job_name(options.launch)
    common = (
        f"--time={resources.minutes}",
        *(option("account", options.account)),
        f"--chdir={where.launch}",
        f"--output={str(where.launch).replace('%', '%%')}/job.log",
        "--open-mode=append",
        # A second incarnation finds the first one's ticket spent.
        "--no-requeue",
        # To the batch script's own process, whose place the engine takes; there are no other steps.
        f"--signal=B:{END_IS_NEAR}@{profile.warn_seconds}",
    )
    first = (
        f"--job-name={name}",
        *common,
        *part_options(resources),
        *sharing_options(profile),
        *option("licenses", ",".join(profile.licenses)),
        *command_line(profile.slurm_options),
    )
    further = (
        word
        for component in profile.components
        # By the launch's own name, the component with the server is found again, and no other.
        for word in (":", f"--job-name={name}-beside", *common, *component_options(component))
    )
    return (*first, *further)


def part_options(part: Resources | Component) -> tuple[str, ...]:
    """Which nodes, and what of each."""
    return (
        f"--partition={part.partition}",
        f"--nodes={part.nodes}",
        "--ntasks-per-node=1",
        f"--cpus-per-task={part.cpus}",
        f"--mem={part.memory_mb}M",
        *option("gres", gres(part.gpus, part.gpu_type)),
        *option("qos", part.qos),
        *option("constraint", part.constraint),
        *option("reservation", part.reservation),
    )


def component_options(component: Component) -> tuple[str, ...]:
    """One further component's own."""
    return (
        *part_options(component),
        *option("licenses", ",".join(component.licenses)),
        *command_line(component.slurm_options),
    )


def sharing_options(profile: Profile) -> tuple[str, ...]:
    """With whom nodes are shared, if that is not Slurm's to say."""
    if profile.exclusive:
        return (
            ("--exclusive",) if profile.exclusive is True else (f"--exclusive={profile.exclusive}",)
        )
    return ("--oversubscribe",) if profile.shared else ()


def gres(gpus: int, kind: str | None) -> str:
    """GPUs of each node, as Slurm writes them; nothing for none."""
    return ":".join(part for part in ("gpu", kind, str(gpus)) if part) if gpus else ""


def option(name: str, value: str | None) -> tuple[str, ...]:
    """An option in one word, left out if it has no value."""
    return (f"--{name}={value}",) if value else ()


def batch_script(
    prologue: str,
    modules: Sequence[str],
    command: Sequence[str],
    environment: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """The script that Slurm runs: fixed variables, the site's own lines, the profile's environment
    modules, then the engine in the shell's place, so that signals reach it."""
    # What is ignored here is ignored by the engine, too, which would end otherwise.
    lines = ["#!/bin/bash", "umask 077", f"trap '' {END_IS_NEAR}"]
    lines += [f"export {name}={shlex.quote(value)}" for name, value in environment.items()]
    lines.append(prologue.strip())
    lines += [f"module load {shlex.quote(module)} || exit" for module in modules]
    lines.append(f"exec {shlex.join(command)}")
    return "\n".join(line for line in lines if line) + "\n"
