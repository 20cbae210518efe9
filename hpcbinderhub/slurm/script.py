"""What is handed to `sbatch`, as pure functions of typed values."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from types import MappingProxyType

from ..launches.options import LaunchOptions
from ..profiles import Component, Profile, Resources
from ..profiles.extra import command_line
from ..workspaces import Places

END_IS_NEAR = "USR1"
"""The signal that a job gets some time before its end, or when it has to make room."""
END_SIGN = "end-is-near"
"""What that becomes in the launch's directory, where the server looks for it
(`hpcbinder/session/near_end.py`): whatever the engine puts between, it is seen through that. A
directory, since code in the container can write there: making one follows no link."""

KEYS = ("server-key.pem", "server-certificate.pem", "server-client.pem")
"""The launch's keys, by their names in its directory (`hpcbinder/keys.py`)."""

HEAR = """\
sleep infinity > /dev/null 2>&1 &
beside=$!
disown $beside
pass_on() {
    trap '' TERM
    # Nothing else was begun yet.
    [[ $! != $beside ]] || { kill -KILL $beside; exit 143; }
    sleep 0.2
    ! kill -0 $beside 2> /dev/null || kill -TERM 0
}
trap pass_on TERM"""
"""Who ends a job tells all of its processes, or, where Slurm has `proctrack/cgroup`, this shell
alone. A server that was told twice could end before it has cleaned up: so the shell passes it on if
a process beside the server was not told."""

STAY = """\
child=$!
trap '' INT
while kill -0 $child 2> /dev/null; do wait $child || :; done
status=0
wait $child || status=$?
[[ $status != -1 ]] || status=143
kill -KILL $beside 2> /dev/null || :"""
"""Wait for the engine, whatever is heard meanwhile, and end as it did. Bash loses how (and says -1)
where the engine ends in the instant in which a signal interrupts the waiting: then the signal was
the end of both."""


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
    common = common_options(options.account, profile, resources, where, "job.log")
    first = (f"--job-name={name}", *common, *own_options(profile, resources))
    further = (
        word
        for component in profile.components
        # By the launch's own name, the component with the server is found again, and no other.
        for word in (":", f"--job-name={name}-beside", *common, *component_options(component))
    )
    return (*first, *further)


def common_options(
    account: str | None, profile: Profile, resources: Resources, where: Places, log: str
) -> tuple[str, ...]:
    """What is the same for all that is submitted for a user."""
    return (
        f"--time={resources.minutes}",
        *(option("account", account)),
        f"--chdir={where.launch}",
        f"--output={log_pattern(where, log)}",
        "--open-mode=append",
        # A second run of a job starts nothing if the first one had claimed its ticket.
        "--requeue" if profile.requeue else "--no-requeue",
        # To the batch script's own process, which knows what to do about it.
        f"--signal=B:{END_IS_NEAR}@{profile.warn_seconds}",
    )


def log_pattern(where: Places, name: str) -> str:
    """A log's path, in whose name alone Slurm fills something in."""
    return f"{str(where.log).replace('%', '%%')}/{name}"


def own_options(profile: Profile, resources: Resources) -> tuple[str, ...]:
    """What the profile says of the nodes that a user's program runs on."""
    return (
        *part_options(resources),
        *sharing_options(profile),
        *option("licenses", ",".join(profile.licenses)),
        *command_line(profile.slurm_options),
    )


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
    launch: PurePath | None = None,
    *,
    each: str = "",
) -> str:
    """The script that Slurm runs: fixed variables, the site's own lines, the profile's environment
    modules, then the command in the shell's place. With the directory of a launch, the shell stays,
    to say there when the end is near, and to remove its keys then. Where it has several nodes,
    `each` is what the shell adds to the sign's name for them."""
    told = f"mkdir {shlex.quote(str(launch / END_SIGN))}{each} 2> /dev/null" if launch else ""
    lines = ["#!/bin/bash", "umask 077", f"trap {shlex.quote(told)} {END_IS_NEAR}"]
    lines += [f"export {name}={shlex.quote(value)}" for name, value in environment.items()]
    lines.append(prologue.strip())
    lines += [f"module load {shlex.quote(module)} || exit" for module in modules]
    run = f"exec {shlex.join(command)}"
    # An engine's own programs would end of it.
    lines += [HEAR, f"(trap '' {END_IS_NEAR}; {run}) &", *stay(launch)] if launch else [run]
    return "\n".join(line for line in lines if line) + "\n"


def stay(launch: PurePath) -> tuple[str, ...]:
    """Wait for the engine. A server that never began, or is of older tools, left its keys."""
    keys = shlex.join(str(launch / name) for name in KEYS)
    return STAY, f"rm -f -- {keys} 2> /dev/null || :", "exit $status"
