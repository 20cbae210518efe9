"""Apptainer: runs a squashfs file as it is, unprivileged or with its setuid starter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from .base import ContainerRun, Mount
from .filed import FileEngine

GPU_OPTIONS = {"nvidia": "--nv", "amd": "--rocm"}

HOSTS = Mount("/etc/hosts", "/etc/hosts", read_only=True)
"""The only one of Apptainer's own mounts that a launch needs: names of the cluster."""


class Apptainer(FileEngine):
    """`apptainer exec` with the artefact's own file.

    What apptainer.conf mounts in every container is left out, homes above all. HOME cannot be set
    with `--env`: it is where `--home` mounts the launch's own.
    """

    name: ClassVar[str] = "apptainer"
    program: ClassVar[str] = "apptainer"
    site_mounts: ClassVar[bool] = True

    def command(self, run: ContainerRun) -> Sequence[str]:
        """The host's environment passes; the start command takes what it needs of it."""
        variables = self.variables(run)
        home = variables.pop("HOME")
        return [
            "apptainer",
            "exec",
            "--no-mount=cwd,hostfs,bind-paths",
            f"--home={home}:{home}",
            *([GPU_OPTIONS[run.gpus]] if run.gpus else []),
            *(_bind(mount) for mount in (HOSTS, *self.mounts(run))),
            *(f"--env={name}={value}" for name, value in variables.items()),
            f"--pwd={run.where.root}",
            run.image,
            *run.command,
        ]


def _bind(mount: Mount) -> str:
    mode = ":ro" if mount.read_only else ""
    return f"--bind={mount.source}:{mount.target}{mode}"
