"""What differs from JupyterHub's own defaults, for the chooser and for what it chooses.

wrapspawner copies the chooser's traits over the chosen one's, so both must start from these.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jupyterhub.spawner import Spawner
from traitlets import HasTraits, default
from traitlets.config import Config

from .facility import Facility, facility


class ClusterDefaults(HasTraits):
    """Mixed into a spawner whose servers run on a cluster."""

    config: Config

    @property
    def _facility(self) -> Facility:
        return facility(self.config)

    @default("hub_connect_url")
    def _hub_as_jobs_reach_it(self) -> str:
        return self._facility.site.public_url.rstrip("/")

    @default("env_keep")
    def _no_variables_of_the_hub(self) -> list[str]:
        return []

    @default("http_timeout")
    def _patience_for_slow_file_systems(self) -> int:
        return 120

    @default("start_timeout")
    def _patience_for_queues(self) -> int:
        """A week. A job that runs but does not answer is ended much earlier, by its profile's
        `startup_seconds`."""
        return 7 * 24 * 3600

    @default("apply_user_options")
    def _options_are_read_by_start(self) -> Callable[[Spawner, dict[str, Any]], None]:
        return lambda _spawner, _options: None
