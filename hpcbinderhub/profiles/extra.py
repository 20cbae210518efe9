"""Slurm options beyond those that a profile has fields for: the admin's own, and not every one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator

OURS = (
    *("account", "chdir", "constraint", "cpus-per-task", "error", "exclusive", "gpus"),
    *("gpus-per-node", "gpus-per-socket", "gpus-per-task", "gres", "input", "job-name", "licenses"),
    *("mem", "mem-per-cpu", "mem-per-gpu", "nodes", "ntasks", "ntasks-per-node", "open-mode"),
    *("output", "oversubscribe", "partition", "qos", "requeue", "no-requeue", "reservation"),
    *("share", "signal", "time"),
)
"""What a profile has a field for, or a launch sets."""

NOBODYS = (
    *("array", "bcast", "cluster", "clusters", "dependency", "export", "export-file"),
    *("get-user-env", "gid", "hold", "help", "ignore-pbs", "parsable", "prolog", "propagate"),
    *("quiet", "test-only", "uid", "usage", "verbose", "version", "wait", "wrap", "workdir"),
)
"""What would change whose job it is, how many there are, what runs in it or what `sbatch` says."""

_NAME = re.compile(r"[a-z][a-z0-9-]{1,40}")
_VALUE = re.compile(r"[^\x00-\x1f\x7f]*")


def _checked(options: Mapping[str, str | None]) -> Mapping[str, str | None]:
    for name, value in options.items():
        if not _NAME.fullmatch(name):
            raise ValueError(f"“{name}” is no long option of sbatch's, without its dashes")
        # sbatch takes any beginning of an option's name that no other one has, too.
        if any(one.startswith(name) for one in OURS):
            raise ValueError(f"“{name}” is set by the launch or has a field of its own")
        if any(one.startswith(name) for one in NOBODYS):
            raise ValueError(f"“{name}” is no option for a user's server")
        if value is not None and not _VALUE.fullmatch(value):
            raise ValueError(f"the value of “{name}” is more than one line of text")
    return options


ExtraOptions = Annotated[Mapping[str, str | None], AfterValidator(_checked)]


def command_line(options: Mapping[str, str | None]) -> tuple[str, ...]:
    """One word for each, so that no value is read as an option."""
    return tuple(
        f"--{name}" if value is None else f"--{name}={value}" for name, value in options.items()
    )
