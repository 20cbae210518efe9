"""The collector: from time to time, has removed what is too much, too old, or nobody's."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from pathlib import Path

from ..database import Database
from ..site import Site
from . import removals
from .catalogue import Catalogue, known_artefacts
from .files import strays
from .plan import removable
from .uses import DAY, Uses

log = logging.getLogger(__name__)

COLLECT_SECONDS = 600.0
STRAY_SECONDS = DAY


class Collector:
    """Keeps the store within the site's limits."""

    def __init__(
        self,
        site: Site,
        database: Database,
        catalogue: Catalogue,
        uses: Uses,
        clock: Callable[[], float] = time.time,
    ):
        self._store = Path(site.artefacts)
        self._limit = int(site.artefacts_limit_gb * 1e9)
        self._age = site.artefacts_age_days * DAY
        self._database = database
        self._catalogue = catalogue
        self._uses = uses
        self._clock = clock

    async def collect(self) -> list[str]:
        """One round: the artefacts that were given up. What the hub does not answer about stays."""
        before = self._clock() - self._age if self._age else float("-inf")
        gone = [
            image.artefact
            for image in removable(
                await self._catalogue.all(), limit=self._limit, wanted_before=before
            )
            if await self._catalogue.forget(image)
        ]
        gone += await self._collect_strays()
        for artefact in gone:
            log.info("Artefact %s goes: see artefacts_limit_gb and _age_days", artefact)
        return gone

    async def _collect_strays(self) -> list[str]:
        known = await self._database.run(known_artefacts)
        used = await self._uses.now()
        before = self._clock() - STRAY_SECONDS
        gone = []
        for stray in await asyncio.to_thread(strays, self._store, known | used, before):
            if await self._database.run(
                removals.remove_stray, stray.artefact, stray.size, self._uses.since, self._clock()
            ):
                gone.append(stray.artefact)
        return gone
