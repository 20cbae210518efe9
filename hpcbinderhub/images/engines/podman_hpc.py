"""podman-hpc: rootless Podman, with images squashed onto shared storage, one set for each user."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from .base import NODE_VARIABLES, ContainerRun, Mount
from .pulled import PulledEngine

GPU_OPTIONS = {"nvidia": ["--gpu"], "amd": ["--device=/dev/kfd", "--device=/dev/dri"]}


class PodmanHpc(PulledEngine):
    """`podman-hpc run`, in the host's network, IPC and process namespaces as other engines do: a
    container of its own memory and processes is of no use where nodes are given out whole."""

    name: ClassVar[str] = "podman-hpc"
    program: ClassVar[str] = "podman-hpc"
    shows_tmp: ClassVar[bool] = False
    hides_home: ClassVar[bool] = True

    def command(self, run: ContainerRun) -> Sequence[str]:
        """Her own account's number inside, the image's entry point left out, and no second copy of
        the log. Of the host's variables, none passes by itself."""
        return [
            *("podman-hpc", "run", "--rm", "--userns=keep-id"),
            *("--network=host", "--ipc=host", "--pid=host", "--log-driver=none", "--entrypoint="),
            *(f"--{module}" for module in run.host.engine_modules),
            *(GPU_OPTIONS[run.gpus] if run.gpus else []),
            *(_volume(mount) for mount in self.mounts(run)),
            *(f"--env={name}" for name in ("SLURM_*", *NODE_VARIABLES)),
            *(f"--env={name}={value}" for name, value in self.variables(run).items()),
            f"--workdir={run.where.root}",
            run.image,
            *run.command,
        ]


def _volume(mount: Mount) -> str:
    mode = ":ro" if mount.read_only else ""
    return f"--volume={mount.source}:{mount.target}{mode}"
