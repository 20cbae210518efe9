"""Container engines: one small class each, behind the contract in `base`."""

from __future__ import annotations

from ...profiles import EngineName
from ...site import Site
from ...slurm.cluster import Cluster
from .apptainer import Apptainer
from .base import ContainerRun, Engine
from .charliecloud import Charliecloud
from .enroot import Enroot
from .filed import FileEngine
from .podman_hpc import PodmanHpc
from .pulled import PulledEngine
from .sarus import Sarus
from .shifter import Shifter

__all__ = [
    "Apptainer",
    "Charliecloud",
    "ContainerRun",
    "Engine",
    "Enroot",
    "PodmanHpc",
    "Sarus",
    "Shifter",
    "engine_class",
    "engine_named",
]

RUN_FILES: dict[str, type[FileEngine]] = {
    "apptainer": Apptainer,
    "charliecloud": Charliecloud,
    "enroot": Enroot,
}
KEEP_COPIES: dict[str, type[PulledEngine] | type[Shifter]] = {
    "podman-hpc": PodmanHpc,
    "sarus": Sarus,
    "shifter": Shifter,
}


def engine_class(name: EngineName) -> type[Engine]:
    """What an engine can and cannot do, without making one."""
    return RUN_FILES[name] if name in RUN_FILES else KEEP_COPIES[name]


def engine_named(name: EngineName, site: Site, cluster: Cluster) -> Engine:
    """The engine that a profile names."""
    return RUN_FILES[name](site) if name in RUN_FILES else KEEP_COPIES[name](site, cluster)
