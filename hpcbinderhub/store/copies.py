"""Copies of images: engines that pull keep them for each user, in her own storage. They go after
the artefact has gone, as the user who launched it.

What is to go is in a file of the service's, so that a restart forgets nothing. A copy that cannot
be removed is tried again each day, for a while: it takes up room and does no other harm, since an
image that is built again has another name.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import TypeAdapter
from sqlalchemy import Connection, select

from ..database import Database
from ..errors import Unavailable, UserError
from ..images.engines import engine_named
from ..images.engines.base import Takes
from ..site import Site
from ..slurm.cluster import Cluster
from ..tables import launches

log = logging.getLogger(__name__)

DAY = 86400.0
TRY_AGAIN_SECONDS = DAY
GIVE_UP_SECONDS = 30 * DAY
FILE = "copies-to-remove.json"


@dataclass(frozen=True)
class Copy:
    """One that somebody has, most likely, of an artefact that has gone."""

    artefact: str
    user: str
    profile: str
    since: float
    tried: float = 0.0


_COPIES = TypeAdapter(list[Copy])


class Copies:
    """Those of all users."""

    def __init__(
        self,
        site: Site,
        database: Database,
        cluster: Cluster,
        clock: Callable[[], float] = time.time,
    ):
        self._database = database
        self._clock = clock
        engines = {
            profile.name: engine_named(profile.engine, site, cluster) for profile in site.profiles
        }
        self._engines = {
            name: engine for name, engine in engines.items() if engine.takes is not Takes.FILE
        }
        self._path = Path(site.state_dir, FILE)
        self._writing = asyncio.Lock()

    async def are_of_no_use(self, artefacts: Iterable[str]) -> None:
        """These artefacts are no more. Launches are asked now: their records go one day."""
        new = [
            Copy(artefact, user, profile, self._clock())
            for artefact in artefacts
            for user, profile in await self._database.run(_launched, artefact)
            if profile in self._engines
        ]
        async with self._writing:
            known = await asyncio.to_thread(_read, self._path)
            kept = {(one.artefact, one.user, one.profile): one for one in (*new, *known)}
            await self._write(known, list(kept.values()))

    async def tidy(self) -> None:
        """Remove the copies that are due."""
        async with self._writing:
            known = await asyncio.to_thread(_read, self._path)
            left = [one for copy in known if (one := await self._after(copy)) is not None]
            await self._write(known, left)

    async def _after(self, copy: Copy) -> Copy | None:
        """What is left to be done about a copy."""
        now, engine = self._clock(), self._engines.get(copy.profile)
        if engine is None or now >= copy.since + GIVE_UP_SECONDS:
            return None
        if now < copy.tried + TRY_AGAIN_SECONDS:
            return copy
        try:
            await engine.remove(copy.user, copy.artefact)
        except (UserError, Unavailable) as error:
            log.warning("A copy of %s stays with %s: %s", copy.artefact, copy.user, error)
            return replace(copy, tried=now)
        return None

    async def _write(self, known: list[Copy], copies: list[Copy]) -> None:
        if copies != known:
            await asyncio.to_thread(_replace, self._path, _COPIES.dump_json(copies))


def _read(path: Path) -> list[Copy]:
    try:
        return _COPIES.validate_json(path.read_bytes())
    except FileNotFoundError:
        return []


def _replace(path: Path, content: bytes) -> None:
    new = path.with_suffix(".new")
    with open(new, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)


def _launched(connection: Connection, artefact: str) -> list[tuple[str, str]]:
    """By whom, and with which profiles."""
    columns = select(launches.c.user, launches.c.profile).distinct()
    rows = connection.execute(columns.where(launches.c.artefact == artefact))
    return [(row.user, row.profile) for row in rows]
