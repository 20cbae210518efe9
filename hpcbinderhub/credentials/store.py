"""Credentials as records: a user's, for one host, encrypted.

What is encrypted says whose it is and for which host, so that a record that somebody with access to
the database moves to another user or host is worth nothing there.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from cryptography.fernet import InvalidToken, MultiFernet
from sqlalchemy import Connection, delete, insert, select, update

from ..database import Database
from ..errors import UserError
from ..tables import credentials
from .hosts import host_of
from .keyring import Keyring

MAX_HOSTS = 100
"""For one user: more than anybody works with, and little enough to keep."""
DEFAULT_USER_NAME = "git"
"""Forges that know the user by the token want any name beside it, but not an empty one."""


@dataclass(frozen=True)
class Credential:
    """What a host is told about who asks."""

    token: str = field(repr=False)
    user_name: str = DEFAULT_USER_NAME


@dataclass(frozen=True)
class Kept:
    """All that is ever told about a credential once it is kept."""

    host: str
    created: float
    used: float | None


class Credentials:
    """The credentials of all users."""

    def __init__(
        self,
        database: Database,
        keyring: Keyring,
        http_hosts: Sequence[str] = (),
        clock: Callable[[], float] = time.time,
    ):
        self._database = database
        self._keyring = keyring
        self._http_hosts = frozenset(http_hosts)
        self._clock = clock

    @property
    def offered(self) -> bool:
        """Whether this site keeps any."""
        return bool(self._keyring)

    def may_send(self, url: str) -> bool:
        """Whether a credential may go to this address: over TLS, or where the site does without."""
        parts = urlsplit(url)
        return parts.scheme == "https" or parts.hostname in self._http_hosts

    async def of_user(self, user: str) -> list[Kept]:
        """What a user has entered, by host."""
        return await self._database.run(_of_user, user)

    async def keep(self, user: str, host: str, credential: Credential) -> None:
        """Keep a credential, in the place of one that is there."""
        secret = _sealed(await self._keyring.cipher(), user, host, credential)
        await self._database.run(_keep, user, host, secret, self._clock())

    async def forget(self, user: str, host: str) -> bool:
        """Remove a credential; False if there was none."""
        return await self._database.run(_forget, user, host)

    async def for_url(self, user: str, url: str) -> Credential | None:
        """The user's credential for an address, if it may be sent there. It is noted as used."""
        host = host_of(url)
        if not self.may_send(url) or host not in {kept.host for kept in await self.of_user(user)}:
            return None
        cipher = await self._keyring.cipher()
        secret = await self._database.run(_use, user, host, self._clock())
        return _opened(cipher, user, host, secret) if secret else None

    async def rotate(self) -> None:
        """Encrypt everything with the newest key, so that the older ones can go. What no key opens
        stays: its key may come back."""
        if self._keyring:
            await self._database.run(_rotate, await self._keyring.cipher())


def _sealed(cipher: MultiFernet, user: str, host: str, credential: Credential) -> str:
    content = [user, host, credential.user_name, credential.token]
    return cipher.encrypt(json.dumps(content).encode()).decode()


def _opened(cipher: MultiFernet, user: str, host: str, secret: str) -> Credential:
    try:
        owner, place, user_name, token = json.loads(cipher.decrypt(secret))
    except InvalidToken:
        owner = place = None
    if (owner, place) != (user, host):
        raise UserError(
            f"Your credential for {host} cannot be read: the site's keys have changed.",
            "Enter it again on the page “Yours”.",
        )
    return Credential(token, user_name)


def _of_user(connection: Connection, user: str) -> list[Kept]:
    mine = select(credentials).where(credentials.c.user == user).order_by(credentials.c.host)
    return [Kept(row.host, row.created, row.used) for row in connection.execute(mine)]


def _keep(connection: Connection, user: str, host: str, secret: str, now: float) -> None:
    _forget(connection, user, host)
    if len(_of_user(connection, user)) >= MAX_HOSTS:
        raise UserError(
            f"You have credentials for {MAX_HOSTS} hosts already.",
            "Remove one that you do not use.",
        )
    connection.execute(insert(credentials).values(user=user, host=host, secret=secret, created=now))


def _forget(connection: Connection, user: str, host: str) -> bool:
    one = (credentials.c.user == user, credentials.c.host == host)
    return bool(connection.execute(delete(credentials).where(*one)).rowcount)


def _use(connection: Connection, user: str, host: str, now: float) -> str | None:
    one = (credentials.c.user == user, credentials.c.host == host)
    used = update(credentials).where(*one).values(used=now).returning(credentials.c.secret)
    return connection.execute(used).scalar()


def _rotate(connection: Connection, cipher: MultiFernet) -> None:
    for row in connection.execute(select(credentials)).all():
        one = (credentials.c.user == row.user, credentials.c.host == row.host)
        try:
            secret = cipher.rotate(row.secret).decode()
        except InvalidToken:
            continue
        connection.execute(update(credentials).where(*one).values(secret=secret))
