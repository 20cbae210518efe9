"""What people do with builds: ask for one, end one, forget one."""

from __future__ import annotations

import json
import secrets

from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from ..events import append_events
from ..tables import builds, events, images
from .records import Build, Reader, build_from, stream, tell


def find_or_add(
    connection: Connection,
    key: str,
    repo_url: str,
    ref: str,
    commit: str,
    now: float,
    reader: Reader | None = None,
) -> Build:
    """See `BuildQueue.enqueue`."""
    live = select(builds).where(builds.c.key == key, builds.c.state.in_(("queued", "running")))
    row = connection.execute(live).first()
    if row is None:
        values = {
            "id": secrets.token_hex(8),
            "key": key,
            "repo_url": repo_url,
            "ref": ref,
            "commit": commit,
            "reader": reader.user if reader else None,
            "reader_uid": reader.uid if reader else None,
            "state": "queued",
            "attempt": 0,
            "created": now,
        }
        try:
            with connection.begin_nested():
                connection.execute(insert(builds).values(values))
        except IntegrityError:
            pass  # Another connection was first: its build is the one.
        else:
            tell(connection, str(values["id"]), now, "waiting", "Waiting for a builder.")
        row = connection.execute(live).one()
    return build_from(row)


def cancel(connection: Connection, build: str, by: str, now: float) -> Build | None:
    """See `BuildQueue.cancel`."""
    failure = {
        "cause": "cancelled",
        "message": f"The build was cancelled by {by}.",
        "advice": "Launch again to have it built.",
    }
    row = connection.execute(
        update(builds)
        .where(builds.c.id == build, builds.c.state.in_(("queued", "running")))
        .values(state="failed", finished=now, failure=json.dumps(failure), lease_until=None)
        .returning(*builds.c)
    ).first()
    if row is None:
        return None
    append_events(connection, stream(build), now, [("failed", failure["message"], failure)])
    return build_from(row)


def forget(connection: Connection, build: str) -> bool:
    """See `BuildQueue.forget`. A build whose image is there stays: it says what the image is."""
    has_image = select(images.c.key).where(images.c.build == build).exists()
    gone = connection.execute(
        delete(builds).where(
            builds.c.id == build, builds.c.state.in_(("done", "failed")), ~has_image
        )
    )
    if gone.rowcount:
        connection.execute(delete(events).where(events.c.stream == stream(build)))
    return bool(gone.rowcount)
