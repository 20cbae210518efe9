"""Who may join the queue, and where: people take turns, and nobody fills it."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, func, select, true

from ..errors import TooManyRequests, UserError
from ..tables import builds
from .records import Order, QueueLimits

LIVE = builds.c.state.in_(("queued", "running"))
RETRY_SECONDS = 60


def turn(connection: Connection, asker: str, priority: int) -> int:
    """The place of a new build: at the head of the queue, or behind the asker's own last one.

    So those who wait take turns: the hundredth build of one is a hundred turns away, and the first
    of another is next.
    """
    same = builds.c.priority == priority
    head = select(func.min(builds.c.turn)).where(builds.c.state == "queued", same)
    own = select(func.max(builds.c.turn) + 1).where(builds.c.asker == asker, LIVE, same)
    row = connection.execute(select(head.scalar_subquery(), own.scalar_subquery())).one()
    return max(row[0] or 0, row[1] or 0)


def refuse_too_many(connection: Connection, order: Order, limits: QueueLimits) -> None:
    """Raise the sentence for the first limit that one more build would break."""
    _check(connection, limits.per_user, builds.c.asker == order.asker, "of yours")
    of_repository = builds.c.repo_url == order.repo_url
    _check(connection, limits.per_repository, of_repository, "of this repository")
    if limits.in_total and _live(connection, true()) >= limits.in_total:
        raise UserError("The queue of builds is full.", "Try again in a while.", status=503)


def _check(connection: Connection, limit: int, which: ColumnElement[bool], whose: str) -> None:
    if limit and _live(connection, which) >= limit:
        raise TooManyRequests(
            f"{limit} builds {whose} wait or run already, and that is the limit.",
            "Try again when one of them has ended.",
            retry_after=RETRY_SECONDS,
        )


def _live(connection: Connection, which: ColumnElement[bool]) -> int:
    return connection.execute(select(func.count()).where(LIVE, which)).scalar_one()
