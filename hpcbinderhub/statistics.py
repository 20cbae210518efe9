"""What the durable records say about builds and launches, for `/metrics`.

Numbers are read when they are asked for, from what is recorded anyway: nothing on the way of a
build or a launch has to remember to count.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import pairwise

from sqlalchemy import Connection, func, select

from .builds.records import stream as build_stream
from .launches.records import LIVE, OVER, State
from .tables import builds, events, launches


@dataclass(frozen=True)
class EndedBuild:
    """A build that is over: how it went, and how long each of its phases took."""

    id: str
    at: float
    result: str
    cause: str
    """Why it failed, in the builder's word; empty if it did not."""
    phases: dict[str, float]


@dataclass(frozen=True)
class EndedLaunch:
    """A launch that got its server, or will not."""

    id: str
    at: float
    result: str
    profile: str
    seconds: float
    """From the click to the end."""


def queue_length(connection: Connection) -> dict[str, int]:
    """How many builds wait and run."""
    return _by_state(connection, builds, ("queued", "running"))


def live_launches(connection: Connection) -> dict[str, int]:
    """How many launches are on their way, by state."""
    return _by_state(connection, launches, (*LIVE, State.PARKED))


def ended_builds(connection: Connection, since: float) -> list[EndedBuild]:
    """The builds that ended at or after a time."""
    rows = connection.execute(
        select(builds).where(builds.c.finished >= since).order_by(builds.c.finished)
    )
    return [
        EndedBuild(
            row.id,
            row.finished,
            row.state,
            str(json.loads(row.failure or "{}").get("cause", "")),
            _phases(connection, row.id),
        )
        for row in rows.all()
    ]


def ended_launches(connection: Connection, since: float) -> list[EndedLaunch]:
    """The launches that ended at or after a time."""
    rows = connection.execute(
        select(launches)
        .where(launches.c.changed >= since, launches.c.state.in_(OVER))
        .order_by(launches.c.changed)
    )
    return [
        EndedLaunch(row.id, row.changed, row.state, row.profile, row.changed - row.created)
        for row in rows
    ]


def _by_state(connection: Connection, table: object, states: tuple[str, ...]) -> dict[str, int]:
    column = table.c.state  # type: ignore[attr-defined]
    rows = connection.execute(
        select(column, func.count()).where(column.in_(states)).group_by(column)
    )
    return {str(state): 0 for state in states} | {row[0]: row[1] for row in rows}


def _phases(connection: Connection, build: str) -> dict[str, float]:
    """Seconds from the first event of each phase to the first of the next."""
    first = func.min(events.c.number)
    rows = connection.execute(
        select(events.c.phase, func.min(events.c.at).label("at"))
        .where(events.c.stream == build_stream(build))
        .group_by(events.c.phase)
        .order_by(first)
    ).all()
    return {one.phase: later.at - one.at for one, later in pairwise(rows)}
