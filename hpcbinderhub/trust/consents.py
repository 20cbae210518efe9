"""Consents as records: a user lets the code of one repository see her home, until she takes it
back."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select
from sqlalchemy.exc import IntegrityError

from ..database import Database
from ..tables import consents


@dataclass(frozen=True)
class Consent:
    """One consent, as its user is shown it."""

    id: str
    repository: str
    granted: float


class Consents:
    """The consents of all users."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time):
        self._database = database
        self._clock = clock

    async def of_user(self, user: str) -> list[Consent]:
        """What a user has consented to, by repository."""
        return await self._database.run(_of_user, user)

    async def grant(self, user: str, repository: str) -> None:
        """Remember a consent; one that is there stays as it is."""
        with suppress(IntegrityError):
            await self._database.run(_grant, user, repository, self._clock())

    async def withdraw(self, user: str, consent: str) -> bool:
        """Take a consent back; False if this user has no such one."""
        return await self._database.run(_withdraw, user, consent)


def _of_user(connection: Connection, user: str) -> list[Consent]:
    mine = select(consents).where(consents.c.user == user).order_by(consents.c.repository)
    return [Consent(row.id, row.repository, row.granted) for row in connection.execute(mine)]


def _grant(connection: Connection, user: str, repository: str, now: float) -> None:
    values = {"id": secrets.token_hex(8), "user": user, "repository": repository, "granted": now}
    connection.execute(insert(consents).values(values))


def _withdraw(connection: Connection, user: str, consent: str) -> bool:
    one = (consents.c.user == user, consents.c.id == consent)
    return bool(connection.execute(delete(consents).where(*one)).rowcount)
