"""What the queue's tables say."""

from __future__ import annotations

from sqlalchemy import Connection, func, select

from ..tables import builds, images
from .records import Build, Image, build_from


def find_image(connection: Connection, key: str) -> Image | None:
    """See `BuildQueue.image`."""
    row = connection.execute(select(images).where(images.c.key == key)).first()
    return Image(row.key, row.artefact, row.size) if row else None


def find_build(connection: Connection, build: str) -> Build | None:
    """See `BuildQueue.get`."""
    row = connection.execute(select(builds).where(builds.c.id == build)).first()
    return build_from(row) if row else None


def count_live(connection: Connection) -> dict[str, int]:
    """See `BuildQueue.lengths`."""
    live = ("queued", "running")
    found = select(builds.c.state, func.count().label("number")).where(builds.c.state.in_(live))
    rows = connection.execute(found.group_by(builds.c.state))
    return dict.fromkeys(live, 0) | {row.state: row.number for row in rows}


def list_builds(
    connection: Connection, state: str, repo_url: str, before: float | None, limit: int
) -> list[Build]:
    """See `BuildQueue.list`."""
    query = select(builds).order_by(builds.c.created.desc(), builds.c.id).limit(limit)
    if state:
        query = query.where(builds.c.state == state)
    if repo_url:
        query = query.where(builds.c.repo_url == repo_url)
    if before is not None:
        query = query.where(builds.c.created < before)
    return [build_from(row) for row in connection.execute(query)]
