"""What all checks stand on: the site's files, the cluster, and the account that runs them."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from traitlets.config import Config

from ..site import Site
from ..slurm.cluster import Cluster, cluster_of


@dataclass(frozen=True)
class Ground:
    """One run of `hpcbinderhub check`."""

    directory: Path
    """The site's files."""

    config: Config
    site: Site
    user: str = ""
    """As whom jobs are submitted; nothing is, unless it is named."""

    patience: float = 120
    """How many seconds a job may wait in the queue."""

    hpcbinder: str | None = None
    """Where the in-image distribution is, for whoever builds."""

    reach: Callable[[Site], Cluster] = cluster_of
    """The way to the cluster."""

    def setting(self, section: str, name: str) -> Any:
        """What a file sets of a class that is not ours; None if none does."""
        return self.config.get(section, {}).get(name)

    def is_hub(self) -> bool:
        """Whether this account looks like the hub's."""
        return not _is_ours(self.site.builder_dir) or _is_ours(self.site.state_dir)

    def is_builder(self) -> bool:
        """Whether this account looks like the builders'."""
        return _is_ours(self.site.builder_dir)


def _is_ours(directory: str) -> bool:
    try:
        return os.stat(directory).st_uid == os.getuid()
    except OSError:
        return False
