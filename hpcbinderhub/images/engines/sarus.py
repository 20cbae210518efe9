"""Sarus: setuid, with squashed images, one set for each user."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from .base import ContainerRun, Mount
from .pulled import PulledEngine


class Sarus(PulledEngine):
    """`sarus run`. NVIDIA's and AMD's hooks look at the variables that Slurm sets.

    What sarus.json mounts (`siteMounts`) is mounted before what we ask for, so that empty copies
    cover it.
    """

    name: ClassVar[str] = "sarus"
    program: ClassVar[str] = "sarus"
    shows_tmp: ClassVar[bool] = False
    hides_home: ClassVar[bool] = True
    site_mounts: ClassVar[bool] = True

    def command(self, run: ContainerRun) -> Sequence[str]:
        """The host's environment passes. An empty entry point has to be a word of its own."""
        return [
            *("sarus", "run"),
            *(f"--{module}" for module in run.host.engine_modules),
            *(_mount(mount) for mount in self.mounts(run)),
            *(f"--env={name}={value}" for name, value in self.variables(run).items()),
            f"--workdir={run.where.root}",
            *("--entrypoint", ""),
            run.image,
            *run.command,
        ]


def _mount(mount: Mount) -> str:
    mode = ",readonly" if mount.read_only else ""
    return f"--mount=type=bind,source={mount.source},destination={mount.target}{mode}"
