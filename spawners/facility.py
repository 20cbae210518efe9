"""What all spawners of a hub share: the site, its cluster and the one watcher of its jobs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

from traitlets.config import Config

from hpcbinderhub.hop.routes import Route, route_of
from hpcbinderhub.site import Site
from hpcbinderhub.slurm.cluster import Cluster, cluster_of
from hpcbinderhub.slurm.login_servers import LoginServers
from hpcbinderhub.slurm.watcher import Watcher

from .endings import Endings

SECONDS_PER_OWNER = 1.0
"""Where each user's jobs are asked for apart, that is not more than one question a second."""


@dataclass(frozen=True)
class Facility:
    """One site, as the hub's process knows it."""

    site: Site
    cluster: Cluster
    watcher: Watcher
    submissions: asyncio.Semaphore
    """How many jobs may be on their way to Slurm at once."""

    endings: Endings = field(default_factory=Endings)
    clock: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time
    """The time of day: what Slurm tells is compared with it, and what outlives the hub."""

    @cached_property
    def route(self) -> Route:
        """The way to the nodes."""
        return route_of(self.site, self.cluster.transport)

    @cached_property
    def login_servers(self) -> LoginServers:
        """What runs on login nodes."""
        # Without SSH there is one host, and no name for it is needed.
        hosts = [""] if self.site.transport == "local" else self.site.login_hosts
        return LoginServers(self.cluster, hosts, self.site.watcher_user)

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
    submissions = asyncio.Semaphore(site.submissions_at_once)
    return Facility(site, cluster, watcher, submissions, clock=clock, wall=wall)
