"""What each user asked for, as the durable records say."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from .tables import builds, launches


@dataclass(frozen=True)
class Use:
    """One user's launches and builds within a time."""

    user: str
    launches: int
    last_launch: float | None
    builds: int
    build_seconds: float
    """Of builders' time."""


def use_since(connection: Connection, since: float) -> list[Use]:
    """Who launched, or had something built, since then; whoever launched most is first."""
    number = func.count().label("number")
    launched = {
        row.user: (row.number, row.last)
        for row in connection.execute(
            select(launches.c.user, number, func.max(launches.c.created).label("last"))
            .where(launches.c.created >= since)
            .group_by(launches.c.user)
        )
    }
    taken = func.sum(builds.c.finished - builds.c.started).label("seconds")
    built = {
        row.asker: (row.number, row.seconds or 0.0)
        for row in connection.execute(
            select(builds.c.asker, number, taken)
            .where(builds.c.created >= since, builds.c.asker != "")
            .group_by(builds.c.asker)
        )
    }
    found = [
        Use(user, *launched.get(user, (0, None)), *built.get(user, (0, 0.0)))
        for user in launched.keys() | built.keys()
    ]
    return sorted(found, key=lambda use: (-use.launches, -use.builds, use.user))
