"""Copies of images: engines that pull keep them for each user, in her own storage. They go after
the artefact has gone, as the user who launched it.

What is to go is known for as long as the service runs. A copy that is missed takes up room and does
no other harm: an image that is built again has another name.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable

from sqlalchemy import Connection, select

from ..database import Database
from ..errors import Unavailable, UserError
from ..images.engines import engine_named
from ..site import Site
from ..slurm.cluster import Cluster
from ..tables import launches

log = logging.getLogger(__name__)


class Copies:
    """Those of all users."""

    def __init__(self, site: Site, database: Database, cluster: Cluster):
        self._database = database
        self._engines = {
            profile.name: engine_named(profile.engine, site, cluster) for profile in site.profiles
        }
        self._gone: set[str] = set()

    def are_of_no_use(self, artefacts: Iterable[str]) -> None:
        """These artefacts are no more."""
        self._gone.update(artefacts)

    async def tidy(self) -> None:
        """Remove the copies of what has gone since the last time."""
        gone, self._gone = self._gone, set()
        for artefact in sorted(gone):
            for user, profile in await self._database.run(_launched, artefact):
                engine = self._engines.get(profile)
                if engine is None:
                    continue
                try:
                    await engine.remove(user, artefact)
                except (UserError, Unavailable) as error:
                    log.warning("A copy of %s stays with %s: %s", artefact, user, error)


def _launched(connection: Connection, artefact: str) -> list[tuple[str, str]]:
    """By whom, and with which profiles."""
    columns = select(launches.c.user, launches.c.profile).distinct()
    rows = connection.execute(columns.where(launches.c.artefact == artefact))
    return [(row.user, row.profile) for row in rows]
