"""What the queue's tables say."""

from __future__ import annotations

from statistics import median

from sqlalchemy import ColumnElement, Connection, func, or_, select, true, tuple_

from ..tables import bills, builds, images, notices
from .records import PAUSED, Build, Image, build_from

LAST_BUILDS = 5
"""So many say how long the next one of a repository will take."""


def find_image(connection: Connection, key: str) -> Image | None:
    """See `BuildQueue.image`."""
    row = connection.execute(select(images).where(images.c.key == key)).first()
    return Image(row.key, row.artefact, row.size) if row else None


def find_build(connection: Connection, build: str) -> Build | None:
    """See `BuildQueue.get`."""
    row = connection.execute(select(builds).where(builds.c.id == build)).first()
    return build_from(row) if row else None


def find_maker(connection: Connection, artefact: str, reader: str | None) -> Build | None:
    """See `BuildQueue.maker`."""
    row = connection.execute(
        select(builds)
        .join(bills, bills.c.build == builds.c.id)
        .where(bills.c.artefact == artefact, builds.c.reader.is_not_distinct_from(reader))
        .order_by(builds.c.created.desc(), builds.c.id)
        .limit(1)
    ).first()
    return build_from(row) if row else None


def last_end(connection: Connection, key: str, repo_url: str, since: float) -> Build | None:
    """See `BuildQueue.last_end`."""
    row = connection.execute(
        select(builds)
        .where(
            builds.c.repo_url == repo_url,
            builds.c.state.in_(("done", "failed")),
            builds.c.key == key,
            builds.c.finished > since,
        )
        .order_by(builds.c.finished.desc())
        .limit(1)
    ).first()
    return build_from(row) if row else None


def count_live(connection: Connection) -> dict[str, int]:
    """See `BuildQueue.lengths`."""
    live = ("queued", "running")
    found = select(builds.c.state, func.count().label("number")).where(builds.c.state.in_(live))
    rows = connection.execute(found.group_by(builds.c.state))
    return dict.fromkeys(live, 0) | {row.state: row.number for row in rows}


def count_claimable(connection: Connection, now: float, most_per_user: int) -> int:
    """See `BuildQueue.claimable`."""
    if connection.execute(select(notices.c.name).where(notices.c.name == PAUSED)).first():
        return 0
    due = select(builds.c.asker, func.count().label("number")).where(
        builds.c.state == "queued", builds.c.not_before <= now
    )
    running = select(builds.c.asker, func.count().label("number")).where(
        builds.c.state == "running", builds.c.asker != ""
    )
    busy = {row.asker: row.number for row in connection.execute(running.group_by(builds.c.asker))}
    claimable = 0
    for row in connection.execute(due.group_by(builds.c.asker)):
        limited = most_per_user and row.asker
        room = max(0, most_per_user - busy.get(row.asker, 0)) if limited else row.number
        claimable += min(row.number, room)
    return claimable


def running_workers(connection: Connection) -> set[str]:
    """See `BuildQueue.busy`."""
    return set(
        connection.execute(select(builds.c.worker).where(builds.c.state == "running")).scalars()
    )


def list_builds(
    connection: Connection,
    seen_by: str | None,
    state: str,
    repo_url: str,
    artefact: str,
    before: float | None,
    limit: int,
) -> list[Build]:
    """See `BuildQueue.newest`."""
    query = (
        select(builds)
        .where(visible_to(seen_by))
        .order_by(builds.c.created.desc(), builds.c.id)
        .limit(limit)
    )
    if state:
        query = query.where(builds.c.state == state)
    if repo_url:
        query = query.where(builds.c.repo_url == repo_url)
    if artefact:
        query = query.where(
            builds.c.id.in_(select(bills.c.build).where(bills.c.artefact == artefact))
        )
    if before is not None:
        query = query.where(builds.c.created < before)
    return [build_from(row) for row in connection.execute(query)]


def count_ahead(connection: Connection, build: str) -> int | None:
    """See `BuildQueue.place`."""
    row = connection.execute(
        select(builds).where(builds.c.id == build, builds.c.state == "queued")
    ).first()
    if row is None:
        return None
    place = (builds.c.priority, builds.c.turn, builds.c.created)
    earlier = tuple_(*place) < tuple_(row.priority, row.turn, row.created)
    count = select(func.count()).where(builds.c.state == "queued", earlier)
    return connection.execute(count).scalar_one()


def usual_seconds(connection: Connection, repo_url: str) -> float | None:
    """See `BuildQueue.usual_seconds`."""
    rows = connection.execute(
        select(builds.c.finished - builds.c.started)
        .where(builds.c.repo_url == repo_url, builds.c.state == "done")
        .order_by(builds.c.finished.desc())
        .limit(LAST_BUILDS)
    )
    seconds = [value for (value,) in rows if value is not None]
    return median(seconds) if seconds else None


def visible_to(user: str | None) -> ColumnElement[bool]:
    """The builds that a user may know of."""
    if user is None:
        return true()
    return or_(builds.c.reader.is_(None), builds.c.reader == user)
