"""What people do with builds: ask for one, end one, forget one."""

from __future__ import annotations

import json
import secrets
from typing import Any

from sqlalchemy import Connection, and_, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from ..events import append_events
from ..events.records import forget_events
from ..tables import bills, builds, images
from .admission import LIVE, refuse_too_many, turn
from .records import Build, Order, Priority, QueueLimits, build_from, stream, tell


def find_or_add(connection: Connection, order: Order, limits: QueueLimits, now: float) -> Build:
    """See `BuildQueue.enqueue`."""
    of_key = select(builds).where(builds.c.key == order.key, LIVE)
    row = connection.execute(of_key).first()
    if row is None:
        refuse_too_many(connection, order, limits)
        _add(connection, order, now)
        row = connection.execute(of_key).one()
    if row.state == "queued" and row.priority > order.priority:
        row = _move(connection, row, order.priority)
    return build_from(row)


def prefer(connection: Connection, build: str) -> Build | None:
    """See `BuildQueue.prefer`."""
    row = connection.execute(
        select(builds).where(builds.c.id == build, builds.c.state == "queued")
    ).first()
    if row and row.priority > Priority.NEXT:
        row = _move(connection, row, Priority.NEXT)
    return build_from(row) if row else None


def _add(connection: Connection, order: Order, now: float) -> None:
    values = {
        "id": secrets.token_hex(8),
        "key": order.key,
        "repo_url": order.repo_url,
        "ref": order.ref,
        "commit": order.commit,
        "reader": order.reader.user if order.reader else None,
        "reader_uid": order.reader.uid if order.reader else None,
        "locked_to": order.locked_to,
        "state": "queued",
        "attempt": 0,
        "created": now,
        "asker": order.asker,
        "priority": order.priority,
        "turn": turn(connection, order.asker, order.priority),
        "not_before": 0,
    }
    try:
        with connection.begin_nested():
            connection.execute(insert(builds).values(values))
    except IntegrityError:
        return  # Another connection was first: its build is the one.
    tell(connection, str(values["id"]), now, "waiting", "Waiting for a builder.")


def _move(connection: Connection, row: Any, priority: int) -> Any:
    values = {"priority": priority, "turn": turn(connection, row.asker, priority)}
    moved = update(builds).where(builds.c.id == row.id).values(values)
    return connection.execute(moved.returning(*builds.c)).one()


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
    over = and_(builds.c.id == build, builds.c.state.in_(("done", "failed")), ~has_image)
    # A build that is over never gets an image later, so what is seen here stays so.
    if connection.execute(select(builds.c.id).where(over)).first() is None:
        return False
    connection.execute(delete(bills).where(bills.c.build == build))
    connection.execute(delete(builds).where(builds.c.id == build))
    forget_events(connection, stream(build))
    return True
