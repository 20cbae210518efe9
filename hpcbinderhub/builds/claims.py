"""What workers do with builds: claim one under a lease, tell of it, end it.

A claim is one UPDATE. A worker that is not heard of loses its lease and the build goes to another;
whatever the first one still says is refused.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, and_, delete, insert, or_, select, update

from ..events import Line, append_events
from ..tables import builds, images, removals
from .records import Build, LeaseLost, build_from, stream, tell

MAX_ATTEMPTS = 3


def claim_next(connection: Connection, worker: str, now: float, lease_until: float) -> Build | None:
    """See `BuildQueue.claim`."""
    free = or_(
        builds.c.state == "queued",
        and_(builds.c.state == "running", builds.c.lease_until < now),
    )
    next_one = select(builds.c.id).where(free).order_by(builds.c.created).limit(1).scalar_subquery()
    row = connection.execute(
        update(builds)
        .where(builds.c.id == next_one, free)
        .values(
            state="running",
            worker=worker,
            lease_until=lease_until,
            attempt=builds.c.attempt + 1,
        )
        .returning(*builds.c)
    ).first()
    if row is None:
        return None
    again = " again, because its builder was lost" if row.attempt > 1 else ""
    tell(connection, row.id, now, "building", f"The build starts{again}.")
    return build_from(row)


def give_up(connection: Connection, now: float) -> list[str]:
    """Fail builds whose workers were lost too often: they may be what kills them."""
    failure = {
        "cause": "worker-lost",
        "message": f"The builder was lost {MAX_ATTEMPTS} times while it built this.",
        "advice": "The build may need more memory or disk than a builder has; ask your help desk.",
    }
    rows = connection.execute(
        update(builds)
        .where(
            builds.c.state == "running",
            builds.c.lease_until < now,
            builds.c.attempt >= MAX_ATTEMPTS,
        )
        .values(state="failed", finished=now, failure=json.dumps(failure), lease_until=None)
        .returning(builds.c.id)
    )
    lost = [row.id for row in rows]
    for build in lost:
        append_events(connection, stream(build), now, [("failed", failure["message"], failure)])
    return lost


def renew(connection: Connection, build: str, worker: str, lease_until: float) -> None:
    """See `BuildQueue.heartbeat`."""
    _update_own(connection, build, worker, lease_until=lease_until)


def renew_and_append(
    connection: Connection,
    build: str,
    worker: str,
    now: float,
    lease_until: float,
    lines: Sequence[Line],
) -> None:
    """See `BuildQueue.report`."""
    renew(connection, build, worker, lease_until)
    if lines:
        append_events(connection, stream(build), now, lines)


def finish(
    connection: Connection, build: str, worker: str, now: float, artefact: str, size: int
) -> None:
    """See `BuildQueue.finish`."""
    row = _update_own(connection, build, worker, state="done", finished=now, lease_until=None)
    former = connection.execute(
        delete(images).where(images.c.key == row.key).returning(*images.c)
    ).first()
    pin = {"pinned_by": former.pinned_by, "pinned_at": former.pinned_at} if former else {}
    connection.execute(
        insert(images).values(
            key=row.key, artefact=artefact, size=size, build=build, made=now, **pin
        )
    )
    # If it is the very file that was to be removed, it is wanted again.
    connection.execute(delete(removals).where(removals.c.artefact == artefact))
    tell(connection, build, now, "built", "The environment is ready.")


def fail(
    connection: Connection, build: str, worker: str, now: float, failure: dict[str, Any]
) -> None:
    """See `BuildQueue.fail`."""
    _update_own(
        connection,
        build,
        worker,
        state="failed",
        finished=now,
        failure=json.dumps(failure),
        lease_until=None,
    )
    message = str(failure.get("message", "The build failed."))
    append_events(connection, stream(build), now, [("failed", message, failure)])


def release(connection: Connection, build: str, worker: str, now: float) -> None:
    """See `BuildQueue.release`. The try does not count: nothing went wrong."""
    _update_own(
        connection,
        build,
        worker,
        state="queued",
        worker=None,
        lease_until=None,
        attempt=builds.c.attempt - 1,
    )
    tell(connection, build, now, "waiting", "The builder is stopping; waiting for another.")


def _update_own(connection: Connection, build: str, owner: str, /, **values: Any) -> Any:
    mine = and_(builds.c.id == build, builds.c.worker == owner, builds.c.state == "running")
    row = connection.execute(update(builds).where(mine).values(values).returning(*builds.c)).first()
    if row is None:
        raise LeaseLost(build)
    return row
