"""What all spawners of a hub share: the site, its cluster and the one watcher of its jobs."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from traitlets.config import Config

from hpcbinderhub.credentials.keyring import Keyring
from hpcbinderhub.hop.folder import Folder
from hpcbinderhub.hop.keeper import Keeper
from hpcbinderhub.site import Site
from hpcbinderhub.slurm.cluster import Cluster, cluster_of
from hpcbinderhub.slurm.leftovers import Leftovers
from hpcbinderhub.slurm.login_servers import LoginServers, hosts_of
from hpcbinderhub.slurm.watcher import Watcher

from .leases import Leases
from .seal import Seal
from .turns import Turns

SECONDS_PER_OWNER = 1.0
"""Where each user's jobs are asked for apart, that is not more than one question a second."""

LEASE_SECONDS = 60.0
"""How long a job is watched that the service has asked about."""


@dataclass(frozen=True)
class Facility:
    """One site, as the hub's process knows it."""

    site: Site
    cluster: Cluster
    watcher: Watcher
    submissions: Turns
    """How many jobs may be on their way to Slurm at once."""

    clock: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time
    """The time of day: what Slurm tells is compared with it, and what outlives the hub."""

    @cached_property
    def hop(self) -> Keeper:
        """The ways to servers."""
        return Keeper(Folder(Path(self.site.state_dir, "hop")), starts=self.site.hop_start)

    @cached_property
    def seal(self) -> Seal:
        """What is kept of servers is closed with it."""
        return Seal(Keyring(self.site.credential_keys_file))

    @cached_property
    def leftovers(self) -> Leftovers:
        """What servers leave in homes."""
        return Leftovers(self.cluster, self.site.launch_folder_days, self.clock)

    @cached_property
    def leases(self) -> Leases:
        """Jobs that the service asks about."""
        return Leases(self.watcher, LEASE_SECONDS)

    @cached_property
    def login_servers(self) -> LoginServers:
        """What runs on login nodes."""
        return LoginServers(self.cluster, hosts_of(self.site), self.site.watcher_user)

    @cached_property
    def login_watcher(self) -> Watcher:
        """How that is."""
        return Watcher(self.login_servers.observe, self.site.watch_seconds, self.clock)


_facilities: dict[int, tuple[Config, Facility]] = {}


def facility(config: Config) -> Facility:
    """The facility that a configuration describes, made once for each configuration object."""
    known = _facilities.get(id(config))
    if known is None:
        site = Site(config=config)
        known = _facilities[id(config)] = (config, facility_of(site, cluster_of(site)))
    return known[1]


def facility_of(
    site: Site,
    cluster: Cluster,
    clock: Callable[[], float] = time.monotonic,
    wall: Callable[[], float] = time.time,
) -> Facility:
    """A site with this cluster, and a watcher of it."""
    watcher = Watcher(
        cluster.queue,
        site.watch_seconds,
        clock,
        history=cluster.history,
        seconds_per_owner=SECONDS_PER_OWNER if site.watch_as == "users" else 0.0,
    )
    submissions = Turns(site.submissions_at_once)
    return Facility(site, cluster, watcher, submissions, clock=clock, wall=wall)
