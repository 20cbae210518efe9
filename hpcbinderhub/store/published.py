"""What is in the site's registry, and what has to be put there or removed: statements.

All of it follows from the images that there are, so nothing is lost by whatever is killed: what is
not yet there is published, newest first, and what no image stands for is withdrawn.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, and_, case, delete, insert, or_, select, update

from ..builds.bills import find_bill
from ..images.bills.model import Bill
from ..tables import builds, images, published

FIRST_PAUSE = 5.0
LONGEST_PAUSE = 3600.0


@dataclass(frozen=True)
class Unpublished:
    """An artefact that is not in the registry, and what it was made of."""

    artefact: str
    repo_url: str
    commit: str
    made: float
    bill: Bill | None


@dataclass(frozen=True)
class Standing:
    """How far an artefact has come."""

    digest: str | None
    tries: int
    failure: dict[str, Any]
    """An `Outcome` without a digest, or nothing."""


def next_unpublished(
    connection: Connection, registry: str, wanted: Collection[str], now: float
) -> Unpublished | None:
    """What is to be published next, first what is waited for; not what is one reader's alone."""
    there = and_(published.c.artefact == images.c.artefact, published.c.registry == registry)
    query = (
        select(images.c.artefact, images.c.build, images.c.made, builds.c.repo_url, builds.c.commit)
        .join(builds, builds.c.id == images.c.build)
        .outerjoin(published, there)
        .where(builds.c.reader.is_(None), published.c.digest.is_(None))
        .where(or_(published.c.not_before.is_(None), published.c.not_before <= now))
        .order_by(case((images.c.artefact.in_(wanted), 0), else_=1), images.c.made.desc())
        .limit(1)
    )
    row = connection.execute(query).first()
    if row is None:
        return None
    recorded = find_bill(connection, row.build)
    bill = recorded.bill if recorded else None
    return Unpublished(row.artefact, row.repo_url, row.commit, row.made, bill)


def begin(connection: Connection, artefact: str, registry: str) -> None:
    """It may be in the registry from now on, so it is not forgotten there."""
    row = connection.execute(_of(artefact)).first()
    if row is None:
        connection.execute(
            insert(published).values(artefact=artefact, registry=registry, tries=0, not_before=0)
        )
    elif row.registry != registry:
        fresh = {"registry": registry, "digest": None, "tries": 0, "not_before": 0}
        _update(connection, artefact, **fresh, failure=None)


def succeed(connection: Connection, artefact: str, digest: str) -> None:
    """It is there."""
    _update(connection, artefact, digest=digest, tries=0, failure=None)


def fail(connection: Connection, artefact: str, failure: dict[str, Any], now: float) -> None:
    """It is not, and why; tried again after a pause."""
    row = connection.execute(_of(artefact)).first()
    tries = row.tries if row else 0
    pause = min(FIRST_PAUSE * 2**tries, LONGEST_PAUSE)
    _update(
        connection,
        artefact,
        digest=None,
        tries=tries + 1,
        not_before=now + pause,
        failure=json.dumps(failure),
    )


def standing(connection: Connection, artefact: str, registry: str) -> Standing:
    """How far it has come."""
    row = connection.execute(_of(artefact).where(published.c.registry == registry)).first()
    if row is None:
        return Standing(None, 0, {})
    return Standing(row.digest, row.tries, json.loads(row.failure or "{}"))


def try_now(connection: Connection, artefact: str) -> None:
    """Somebody waits for it: if it is not there, what was tried before does not count."""
    waiting = update(published).where(published.c.artefact == artefact)
    anew = waiting.where(published.c.digest.is_(None))
    connection.execute(anew.values(tries=0, not_before=0, failure=None))


def lose(connection: Connection, artefact: str) -> None:
    """It was there, and is not any more."""
    _update(connection, artefact, digest=None)


def withdrawable(connection: Connection, registry: str, now: float) -> list[str]:
    """What may be in the registry and no image stands for."""
    due = and_(published.c.registry == registry, published.c.not_before <= now)
    there = select(published.c.artefact).where(due)
    gone = there.where(published.c.artefact.not_in(select(images.c.artefact)))
    return list(connection.execute(gone).scalars())


def trouble(connection: Connection, registry: str) -> str:
    """What keeps an image from the registry, or nothing."""
    of_images = published.c.artefact.in_(select(images.c.artefact))
    failed = select(published.c.failure).where(published.c.failure.is_not(None), of_images)
    newest = failed.where(published.c.registry == registry).order_by(published.c.not_before.desc())
    found = connection.execute(newest.limit(1)).scalar()
    return _in_a_line(json.loads(found)) if found else ""


def _in_a_line(failure: dict[str, Any]) -> str:
    return f"{failure['message']} {failure['detail']}".strip()


def forget(connection: Connection, artefact: str) -> None:
    """It is not in the registry any more."""
    connection.execute(delete(published).where(published.c.artefact == artefact))


def _of(artefact: str) -> Any:
    return select(published).where(published.c.artefact == artefact)


def _update(connection: Connection, artefact: str, **values: Any) -> None:
    connection.execute(update(published).where(published.c.artefact == artefact).values(values))
