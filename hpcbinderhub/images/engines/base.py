"""The contract of a container engine.

One small class for each engine says what it can do, makes an artefact ready for it, and turns a
`ContainerRun` into a command line. `docs/engines.md` has the whole table. What all of them share:

- `ensure` may talk to the cluster. Everything else is a pure function of its arguments.
- Command lines are words, never shell text; where an engine needs a shell, its script is constant.
- The command is an absolute path, and gets its working directory, environment and HOME right by
  itself: the start command does. An engine has to pass on what `variables` and `NODE_VARIABLES`
  say.
- `/` is read-only, or belongs to somebody else; what is written where a program may is gone with
  the container.
- Slurm's signals, which go to all of a job's processes, reach the command while its files are still
  there, and its exit code is the engine's.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePosixPath
from typing import ClassVar, Literal

from ...errors import NotAllowed, UserError
from ...hostparts import UNQUOTABLE, HostParts
from ...trust.reach import Reach
from ...workspaces import Places, top_level

NODE_VARIABLES = (
    *("USER", "LOGNAME", "TERM", "TMPDIR", "KRB5CCNAME", "OMP_NUM_THREADS"),
    *("CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES", "GPU_DEVICE_ORDINAL"),
    *("ROCR_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "ZE_AFFINITY_MASK"),
    *("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"),
    *("HPCBINDER_NODE_NOTICE", "HPCBINDER_RUN"),
)
"""What the start command takes from the job's environment, beside `SLURM_*`: an engine that does
not pass the host's variables on must be told of these."""


class Takes(StrEnum):
    """What an engine runs."""

    FILE = "the artefact's own file"
    IMPORTED = "a copy of its own, imported or pulled"
    PULLED = "a copy of its own, pulled from a registry"


class Gpus(StrEnum):
    """What makes a GPU's libraries appear in a container."""

    ITSELF = "its own option or hook"
    MODULES = "its own modules, which the site names (`gpu_host.engine_modules`)"
    BINDS = "mounts of the host's libraries, which the site names (`gpu_host.binds`)"


@dataclass(frozen=True)
class Mount:
    """A directory or file of the host, and where the container has it."""

    source: str
    target: str
    read_only: bool = False


NOTHING = HostParts()


@dataclass(frozen=True)
class ContainerRun:
    """What is to be run: an image as this engine knows it, and a command in it."""

    image: str
    where: Places
    data_roots: tuple[str, ...]
    command: tuple[str, ...]
    reach: Reach = Reach.CLOSED
    host: HostParts = NOTHING
    gpus: Literal["nvidia", "amd"] | None = None


class Engine(ABC):
    """A way to run an artefact on a compute node."""

    name: ClassVar[str]
    program: ClassVar[str]
    """Its command, which has to be on a job's `PATH`."""
    takes: ClassVar[Takes] = Takes.FILE

    hides_home: ClassVar[bool]
    """Whether strangers' code can be kept from seeing the user's home directory. Said on the page
    before the click."""

    keeps_apart: ClassVar[bool]
    """Whether nobody can run an artefact whose file she cannot read."""

    read_only_binds: ClassVar[bool] = True
    """Whether a mount can be read-only; otherwise file permissions alone protect what it shows."""

    makes_mount_points: ClassVar[bool] = True
    """Whether a mount's target need not be in the image, which has the site's `mount_points`."""

    has_modules: ClassVar[bool] = False
    """Whether it has modules or hooks that a launch can ask for by name."""

    needs_fuse: ClassVar[bool] = False
    """Whether a node must have FUSE; an artefact is unpacked where there is none."""

    gpus: ClassVar[Gpus] = Gpus.ITSELF

    shows_tmp: ClassVar[bool] = True
    """Whether the container has the node's own /tmp by itself; otherwise it is mounted."""

    site_mounts: ClassVar[bool] = False
    """Whether the site's configuration of the engine may show a home that we did not mount. Then an
    empty copy covers it."""

    @classmethod
    def check(cls, private: bool) -> None:
        """Refuse what one user alone may run, where everybody could run it."""
        if private and not cls.keeps_apart:
            raise NotAllowed(
                f"{cls.name.capitalize()} keeps no image for one user alone, so it cannot run a "
                "private repository.",
                "Choose a profile with another engine.",
            )

    @abstractmethod
    async def ensure(self, user: str, artefact: str, reader: int | None) -> str:
        """Make the artefact runnable for this user, and look whether it is: programs' exit codes do
        not tell. Returns the name by which `command` runs it. `reader` is whose artefact it is, if
        it is not everybody's."""

    async def remove(self, user: str, artefact: str) -> None:  # noqa: B027
        """Remove the engine's own copy, if it keeps any and the user may."""

    @abstractmethod
    def command(self, run: ContainerRun) -> Sequence[str]:
        """The command line for the batch script."""

    def sbatch_options(self, image: str) -> Sequence[str]:
        """What the engine's Slurm plugin wants on `sbatch`'s command line."""
        return ()

    def covered(self, where: Places, reach: Reach) -> tuple[PurePosixPath, ...]:
        """The top-level directories over which empty copies go."""
        tops = [top_level(path) for path in where.shown(reach)]
        if self.site_mounts:
            tops.append(top_level(where.real_home))
        return tuple(dict.fromkeys(tops))

    def mounts(self, run: ContainerRun) -> list[Mount]:
        """All mounts, in the order in which they have to be made.

        Empty copies cover the file systems with her files; then what is shown is put back. The
        copies go first: a mount on the same file system at its own path would otherwise be covered
        by them.
        """
        where, covered = run.where, self.covered(run.where, run.reach)
        mounts = [Mount(str(where.copy_of(top)), str(top)) for top in covered]
        mounts += [Mount(str(path), str(path)) for path in where.shown(run.reach)]
        roots = run.data_roots if self.shows_tmp else ("/tmp", *run.data_roots)
        mounts += [Mount(r, r) for r in roots if PurePosixPath(r) not in covered]
        mounts += [Mount(bind.source, bind.target, bind.read_only) for bind in run.host.binds]
        for mount in mounts:
            if UNQUOTABLE.search(mount.source + mount.target):
                raise UserError(
                    f"{self.name.capitalize()} cannot mount {mount.source}: there is a space or "
                    "one of “:”, “,” and “;” in its name.",
                    "Ask your help desk for a directory without them.",
                )
        return mounts

    def variables(self, run: ContainerRun) -> dict[str, str]:
        """What is set in the container, whatever else it gets from host and image."""
        variables = {"HOME": str(run.where.home)}
        if run.host.library_path:
            # The start command puts it first; LD_LIBRARY_PATH itself is the image's or dropped.
            variables["HPCBINDER_LIBRARY_PATH"] = ":".join(run.host.library_path)
        return variables
