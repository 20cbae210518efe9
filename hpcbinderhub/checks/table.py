"""All that is checked, by name; what one needs comes before it."""

from __future__ import annotations

from . import (
    address,
    builder,
    certificates,
    clocks,
    configuration,
    extension,
    helper,
    hop,
    jobs,
    login_nodes,
    profiles,
    registry,
    repositories,
    secret_files,
    servers,
    shifter,
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


def _why_not_ssh(ground: Ground) -> str:
    local = ground.site.transport == "local"
    return "The hub uses no SSH (c.Site.transport)." if local else _why_not_the_hub(ground)


def _why_no_helper(ground: Ground) -> str:
    ssh = ground.site.transport == "ssh"
    return "The hub uses SSH (c.Site.transport)." if ssh else _why_not_the_hub(ground)


def _why_no_servers(ground: Ground) -> str:
    if not servers.kinds(ground.site.profiles):
        return "No profile is for servers on login nodes."
    return _why_not_the_hub(ground)


def _why_no_repositories(ground: Ground) -> str:
    return repositories.why_not(ground) or _why_not_the_hub(ground)


def _why_no_shifter(ground: Ground) -> str:
    return shifter.why_not(ground) or _why_not_the_hub(ground)


CLUSTER = ("transport", "helper")
"""Either of them leads there."""


MATTERS = (
    Matter("configuration", "The site's files, and what production needs", configuration.look),
    Matter("secrets", "Files with secrets: whose they are and who reads them", secret_files.look),
    _hubs("storage", "The service's state, its database, the artefact store", storage.look),
    _hubs("address", "The hub at its public address: TLS, hub, service", address.look),
    Matter(
        "certificates",
        "What lets the hub act as users, and as root not",
        certificates.look,
        applies=_why_not_ssh,
    ),
    Matter(
        "transport",
        "Each login node: network, host key, agent",
        login_nodes.look,
        ("certificates",),
        120,
        _why_not_ssh,
    ),
    Matter(
        "helper",
        "Where the hub's host is the login node: sudo, agent",
        helper.look,
        applies=_why_no_helper,
    ),
    _hubs("clocks", "The hub's, the login nodes' and the controller's", clocks.look),
    _hubs("slurm", "Its commands, and what it is set to", slurm.look, CLUSTER),
    _hubs("hop", "Where the hub listens for the proxy", hop.look),
    Matter(
        "extension",
        "The site's helper that gives running jobs more time",
        extension.look,
        applies=extension.applies,
    ),
    _hubs("profiles", "Partitions and QOS of each profile", profiles.look, ("slurm",)),
    _hubs(
        "jobs",
        "A short job as --user for each partition and engine: watcher, node, engine, way back",
        jobs.look,
        (*CLUSTER, "slurm"),
        900,
    ),
    Matter(
        "servers",
        "A short server as --user on each login node, for each engine that profiles name for there",
        servers.look,
        CLUSTER,
        300,
        _why_no_servers,
    ),
    Matter(
        "repositories",
        "Folders on the cluster from which users may launch",
        repositories.look,
        CLUSTER,
        applies=_why_no_repositories,
    ),
    Matter(
        "shifter",
        "As --user: an image of the store, by way of Shifter's gateway",
        shifter.look,
        CLUSTER,
        400,
        _why_no_shifter,
    ),
    _hubs("registry", "The registry for engines that pull", registry.look),
    Matter("builder", "This host as one that builds", builder.look, (), 300, builder.applies),
    Matter("versions", "Which versions work together", versions.look),
)
