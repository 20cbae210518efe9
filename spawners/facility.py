"""What all spawners of a hub share: the site, its cluster and the one watcher of its jobs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from traitlets.config import Config

from hpcbinderhub.site import Site
from hpcbinderhub.slurm.cluster import Cluster, cluster_of
from hpcbinderhub.slurm.login_servers import LoginServers
from hpcbinderhub.slurm.watcher import Watcher


@dataclass(frozen=True)
class Facility:
    """One site, as the hub's process knows it."""

    site: Site
    cluster: Cluster
    watcher: Watcher

    @cached_property
    def login_servers(self) -> LoginServers:
        """What runs on login nodes."""
        # Without SSH there is one host, and no name for it is needed.
        hosts = [""] if self.site.transport == "local" else self.site.login_hosts
        return LoginServers(self.cluster, hosts, self.site.watcher_user)

    @cached_property
    def login_watcher(self) -> Watcher:
        """How that is."""
        return Watcher(self.login_servers.observe, self.site.watch_seconds)


_facilities: dict[int, tuple[Config, Facility]] = {}


def facility(config: Config) -> Facility:
    """The facility that a configuration describes, made once for each configuration object."""
    known = _facilities.get(id(config))
    if known is None:
        site = Site(config=config)
        cluster = cluster_of(site)
        made = Facility(site, cluster, Watcher(cluster.observe, site.watch_seconds))
        known = _facilities[id(config)] = (config, made)
    return known[1]
