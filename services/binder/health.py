"""What has to work, and is asked about at `/health`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from hpcbinderhub.health import (
    Health,
    builders_come,
    cluster_answers,
    database_answers,
    hub_answers,
    registry_takes,
    room_in,
    workers_live,
)

if TYPE_CHECKING:
    from .services import Services


def health_of(services: Services) -> Health:
    """The checks of one site."""
    site, builders = services.site, services.builders
    return Health(
        [
            database_answers(services.database),
            hub_answers(services.hub),
            room_in("Artefact store", site.artefacts, site.free_disk_mb, os.R_OK | os.X_OK),
            room_in("State directory", Path(site.state_dir), site.free_disk_mb, os.W_OK | os.X_OK),
            builders_come(builders) if builders.wanted else workers_live(services.workers),
            cluster_answers(services.hub),
            *([registry_takes(services.publishing)] if site.image_registry else []),
        ]
    )
