"""What all spawners of a hub share: the site, its cluster and the one watcher of its jobs."""

from __future__ import annotations

from dataclasses import dataclass

from traitlets.config import Config

from hpcbinderhub.site import Site
from hpcbinderhub.slurm.cluster import Cluster, cluster_of
from hpcbinderhub.slurm.watcher import Watcher


@dataclass(frozen=True)
class Facility:
    """One site, as the hub's process knows it."""

    site: Site
    cluster: Cluster
    watcher: Watcher


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
