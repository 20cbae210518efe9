"""What workers do with builds: claim one under a lease, tell of it, end it.

A claim is one UPDATE. A worker that is not heard of loses its lease, and the next look at what time
has changed (`reconcile`) gives the build to another; whatever the first one still says is refused.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, Select, and_, bindparam, delete, func, insert, select, update
from sqlalchemy.sql.dml import ReturningUpdate

from ..events import Line, append_events
from ..images.bills.model import Bill
from ..tables import builds, images, notices, removals
from .bills import put_bill
from .records import PAUSED, Build, LeaseLost, build_from, stream, tell

MAX_ATTEMPTS = 3
PASSING = frozenset({"network", "no-space"})
"""Causes that may be gone in a moment. Whatever else failed would fail again."""

FIRST_PAUSE = 10.0
LONGER = 4


def claim_next(
    connection: Connection,
    worker: str,
    now: float,
    lease_until: float,
    most_per_user: int = 0,
    place: str = "",
) -> Build | None:
    """See `BuildQueue.claim`."""
    given = {"claimer": worker, "at": now, "until": lease_until}
    row = connection.execute(_claim(most_per_user), given).first()
    if row is None:
        return None
    again = f" again (attempt {row.attempt})" if row.attempt > 1 else ""
    where = f" {place}" if place else ""
    tell(connection, row.id, now, "building", f"The build starts{again}{where}.")
    return build_from(row)


@cache
def _claim(most_per_user: int) -> ReturningUpdate[Any]:
    """The statement, which takes longer to compose than to carry out."""
    paused = select(notices.c.name).where(notices.c.name == PAUSED).exists()
    free = and_(builds.c.state == "queued", builds.c.not_before <= bindparam("at"), ~paused)
    if most_per_user:
        free = and_(free, builds.c.asker.not_in(_busy(most_per_user)))
    # Where several can write at once, one that another is about to take is passed over.
    first = (
        select(builds.c.id)
        .where(free)
        .order_by(builds.c.priority, builds.c.turn, builds.c.created)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    values = {
        "state": "running",
        "worker": bindparam("claimer"),
        "lease_until": bindparam("until"),
        "started": bindparam("at"),
        "attempt": builds.c.attempt + 1,
    }
    chosen = update(builds).where(builds.c.id == first.scalar_subquery())
    return chosen.where(builds.c.state == "queued").values(values).returning(*builds.c)


def _busy(most: int) -> Select[tuple[str]]:
    running = select(builds.c.asker).where(builds.c.state == "running", builds.c.asker != "")
    return running.group_by(builds.c.asker).having(func.count() >= most)


def reconcile(connection: Connection, now: float) -> list[str]:
    """See `BuildQueue.reconcile`."""
    lapsed = and_(builds.c.state == "running", builds.c.lease_until < now)
    lost = connection.execute(select(builds.c.id, builds.c.attempt).where(lapsed)).all()
    for build, attempt in lost:
        if attempt >= MAX_ATTEMPTS:
            _end_lost(connection, build, now)
        else:
            again = update(builds).where(builds.c.id == build, lapsed)
            connection.execute(again.values(state="queued", worker=None, lease_until=None))
            tell(connection, build, now, "waiting", "The builder was lost; waiting for another.")
    return [build for build, _ in lost]


def _end_lost(connection: Connection, build: str, now: float) -> None:
    """A build whose workers were lost so often may be what kills them."""
    failure = {
        "cause": "worker-lost",
        "message": f"The builder was lost {MAX_ATTEMPTS} times while it built this.",
        "advice": "The build may need more memory or disk than a builder has; ask your help desk.",
    }
    ended = update(builds).where(builds.c.id == build)
    connection.execute(
        ended.values(state="failed", finished=now, failure=json.dumps(failure), lease_until=None)
    )
    append_events(connection, stream(build), now, [("failed", failure["message"], failure)])


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
    connection: Connection,
    build: str,
    worker: str,
    now: float,
    artefact: str,
    size: int,
    bill: Bill | None,
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
    if bill is not None:
        put_bill(connection, build, artefact, bill)
    # If it is the very file that was to be removed, it is wanted again.
    connection.execute(delete(removals).where(removals.c.artefact == artefact))
    tell(connection, build, now, "built", "The environment is ready.")


def fail(
    connection: Connection, build: str, worker: str, now: float, failure: dict[str, Any]
) -> None:
    """See `BuildQueue.fail`."""
    row = _update_own(
        connection,
        build,
        worker,
        state="failed",
        finished=now,
        failure=json.dumps(failure),
        lease_until=None,
    )
    message = str(failure.get("message", "The build failed."))
    if failure.get("cause") in PASSING and row.attempt < MAX_ATTEMPTS:
        _put_off(connection, row, now, message)
    else:
        append_events(connection, stream(build), now, [("failed", message, failure)])


def _put_off(connection: Connection, row: Any, now: float, message: str) -> None:
    pause = FIRST_PAUSE * LONGER ** (row.attempt - 1)
    values = {"state": "queued", "worker": None, "finished": None, "failure": None}
    again = update(builds).where(builds.c.id == row.id)
    connection.execute(again.values(values | {"not_before": now + pause}))
    tell(connection, row.id, now, "waiting", f"{message} Trying again in {pause:.0f} s.")


def release(connection: Connection, build: str, worker: str, now: float) -> None:
    """See `BuildQueue.release`. The try does not count: nothing went wrong."""
    _update_own(
        connection,
        build,
        worker,
        state="queued",
        worker=None,
        lease_until=None,
    )
    one_less = update(builds).where(builds.c.id == build).values(attempt=builds.c.attempt - 1)
    connection.execute(one_less)
    tell(connection, build, now, "waiting", "The builder is stopping; waiting for another.")


def _update_own(connection: Connection, build: str, owner: str, /, **values: Any) -> Any:
    given = {"build": build, "owner": owner} | {f"new_{name}": v for name, v in values.items()}
    row = connection.execute(_own(tuple(values)), given).first()
    if row is None:
        raise LeaseLost(build)
    return row


@cache
def _own(names: tuple[str, ...]) -> ReturningUpdate[Any]:
    mine = and_(
        builds.c.id == bindparam("build"),
        builds.c.worker == bindparam("owner"),
        builds.c.state == "running",
    )
    values: dict[str, Any] = {name: bindparam(f"new_{name}") for name in names}
    return update(builds).where(mine).values(values).returning(*builds.c)
