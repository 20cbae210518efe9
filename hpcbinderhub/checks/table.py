"""All that is checked, by name; what one needs comes before it."""

from __future__ import annotations

from . import (
    address,
    builder,
    certificates,
    clocks,
    configuration,
    jobs,
    login_nodes,
    profiles,
    registry,
    secret_files,
    slurm,
    storage,
    versions,
)
from .finding import Look, Matter
from .ground import Ground


def _hubs(
    name: str, purpose: str, look: Look, needs: tuple[str, ...] = (), seconds: float = 60
) -> Matter:
    """A matter of the hub's account alone."""
    return Matter(name, purpose, look, needs, seconds, _why_not_the_hub)


def _why_not_the_hub(ground: Ground) -> str:
    return "" if ground.is_hub() else "This is a builder's account, and this is the hub's matter."


MATTERS = (
    Matter("configuration", "The site's files, and what production needs", configuration.look),
    Matter("secrets", "Files with secrets: whose they are and who reads them", secret_files.look),
    _hubs("storage", "The service's state, its database, the artefact store", storage.look),
    _hubs("address", "The hub at its public address: TLS, hub, service", address.look),
    _hubs("certificates", "What lets the hub act as users, and as root not", certificates.look),
    _hubs(
        "transport",
        "Each login node: network, host key, agent",
        login_nodes.look,
        ("certificates",),
        120,
    ),
    _hubs("clocks", "The hub's, the login nodes' and the controller's", clocks.look),
    _hubs("slurm", "Its commands, and what it is set to", slurm.look, ("transport",)),
    _hubs("profiles", "Partitions and QOS of each profile", profiles.look, ("slurm",)),
    _hubs(
        "jobs",
        "A short job as --user for each partition and engine: watcher, node, engine, way back",
        jobs.look,
        ("transport", "slurm"),
        900,
    ),
    _hubs("registry", "The registry for engines that pull", registry.look),
    Matter("builder", "This host as one that builds", builder.look, (), 300, builder.applies),
    Matter("versions", "Which versions work together", versions.look),
)
