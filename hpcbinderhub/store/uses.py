"""Who needs an image: launches on their way, and servers that run or can be started again."""

from __future__ import annotations

import time
from collections.abc import Callable

from sqlalchemy import CompoundSelect, Connection, and_, or_, select, union

from ..database import Database
from ..launches.hub import Hub
from ..launches.records import State
from ..tables import images, launches

DAY = 86400.0


class Uses:
    """The artefacts that somebody needs.

    A launch that waits for its owner, and a server that has stopped but was not removed, need
    theirs for so many days (`grace_days`) after they were last active.
    """

    def __init__(
        self,
        grace_days: float,
        database: Database,
        hub: Hub,
        clock: Callable[[], float] = time.time,
    ):
        self._grace = grace_days * DAY
        self._database = database
        self._hub = hub
        self._clock = clock

    @property
    def since(self) -> float:
        """What was active after this can be taken up again."""
        return self._clock() - self._grace

    async def now(self) -> frozenset[str]:
        """The artefacts in use. Unavailable if the hub does not answer: nothing is known then.

        Launches are looked at first: one that has meanwhile become a server is among the servers.
        """
        since = self.since
        of_launches = await self._database.run(_used_by_launches, since)
        of_servers = {
            server.artefact
            for server in await self._hub.all_servers()
            if server.active or server.last_activity >= since
        }
        return of_launches | of_servers


def used_by_launches(since: float) -> CompoundSelect[str]:
    """The artefacts that launches need: a query, so that it can be part of a statement."""
    on_its_way = launches.c.state.in_((State.BUILT, State.STARTING))
    waiting = and_(launches.c.state == State.PARKED, launches.c.changed >= since)
    theirs = select(launches.c.artefact).where(
        launches.c.artefact.is_not(None), or_(on_its_way, waiting)
    )
    # An alias, since the statement around this one may be about images itself.
    made = images.alias("made")
    just_made = select(made.c.artefact).where(
        made.c.build.in_(select(launches.c.build).where(launches.c.state == State.BUILDING))
    )
    return union(theirs, just_made)


def _used_by_launches(connection: Connection, since: float) -> frozenset[str]:
    return frozenset(connection.execute(used_by_launches(since)).scalars())
