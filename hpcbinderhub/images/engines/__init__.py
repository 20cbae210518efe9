"""Container engines: one small class each, behind the contract in `base`."""

from __future__ import annotations

from ...site import Site
from ...slurm.cluster import Cluster
from .base import ContainerRun, Engine
from .charliecloud import Charliecloud
from .shifter import Shifter

__all__ = ["Charliecloud", "ContainerRun", "Engine", "Shifter", "engine_class", "engine_named"]


ENGINES: dict[str, type[Engine]] = {"charliecloud": Charliecloud, "shifter": Shifter}


def engine_class(name: str) -> type[Engine]:
    """What an engine can and cannot do, without making one."""
    return ENGINES[name]


def engine_named(name: str, site: Site, cluster: Cluster) -> Engine:
    """The engine that a profile names."""
    if name == "shifter":
        return Shifter(site, cluster)
    return Charliecloud(site)
