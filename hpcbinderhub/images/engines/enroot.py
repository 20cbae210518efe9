"""Enroot: unprivileged, runs a squashfs file as it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from .base import NODE_VARIABLES, ContainerRun, Mount
from .filed import FileEngine

# $1 is the image: a file, or a directory where it was unpacked, which Enroot knows by name alone.
# Then come options, `--`, and the command. A variable of the node is passed if it is set, since
# `--env=NAME` would otherwise set it to nothing, and an empty CUDA_VISIBLE_DEVICES hides all GPUs.
START = f"""
image=$1; shift
if [[ -d $image ]]; then export ENROOT_DATA_PATH=${{image%/*}}; image=${{image##*/}}; fi
export ENROOT_MOUNT_HOME=no ENROOT_LOGIN_SHELL=no ENROOT_REMAP_ROOT=no ENROOT_ROOTFS_WRITABLE=no
options=()
for name in "${{!SLURM_@}}" {" ".join(NODE_VARIABLES)}; do
    if [[ -v $name ]]; then options+=("--env=$name"); fi
done
while [[ $1 != -- ]]; do options+=("$1"); shift; done; shift
exec enroot start "${{options[@]}}" -- "$image" "$@"
"""

NVIDIA = {"NVIDIA_VISIBLE_DEVICES": "all", "NVIDIA_DRIVER_CAPABILITIES": "compute,utility"}
"""What its hook for NVIDIA's GPUs asks for: all that Slurm gave to the job."""


class Enroot(FileEngine):
    """`enroot start` with the artefact's own file. It has no option for the working directory, and
    it would run an image's `/etc/rc` in the command's place, which no build of ours makes."""

    name: ClassVar[str] = "enroot"
    program: ClassVar[str] = "enroot"
    shows_tmp: ClassVar[bool] = False
    site_mounts: ClassVar[bool] = True

    def command(self, run: ContainerRun) -> Sequence[str]:
        """No variable of the host's passes by itself."""
        variables = self.variables(run) | (NVIDIA if run.gpus == "nvidia" else {})
        return [
            *("bash", "-c", START, "enroot", run.image),
            *(_mount(mount) for mount in self.mounts(run)),
            *(f"--env={name}={value}" for name, value in variables.items()),
            "--",
            *run.command,
        ]


def _mount(mount: Mount) -> str:
    mode = ",ro" if mount.read_only else ""
    return f"--mount={mount.source}:{mount.target}:none:rbind,x-create=auto{mode}"
