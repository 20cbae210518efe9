"""Charliecloud: unprivileged, runs a squashfs file as it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from .base import ContainerRun, Gpus
from .filed import FileEngine

# Of two that make this directory at the same time, as servers and workers of one user that begin on
# a node together do, one `ch-run` fails. `mkdir -p` does not.
START = 'mkdir -p "/var/tmp/$USER.ch/mnt"; exec ch-run "$@"'


class Charliecloud(FileEngine):
    """`ch-run` with the artefact's own file. Nothing has to be made ready.

    The image is read-only, so `ch-fromhost` cannot put a GPU's libraries into it: they are mounted.
    """

    name: ClassVar[str] = "charliecloud"
    program: ClassVar[str] = "ch-run"
    read_only_binds: ClassVar[bool] = False
    makes_mount_points: ClassVar[bool] = False
    gpus: ClassVar[Gpus] = Gpus.BINDS

    def command(self, run: ContainerRun) -> Sequence[str]:
        """A value would be taken for a reference to a variable where it begins with a dollar sign:
        hence `--env-no-expand`."""
        return [
            *("bash", "-c", START, "ch-run"),
            *(f"--bind={mount.source}:{mount.target}" for mount in self.mounts(run)),
            "--env-no-expand",
            *(f"--set-env={name}={value}" for name, value in self.variables(run).items()),
            f"--cd={run.where.root}",
            run.image,
            "--",
            *run.command,
        ]
