"""What an admin has said, until it is taken back. It is kept: restarts change nothing."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from sqlalchemy import Connection, delete, insert, select

from .tables import notices


@dataclass(frozen=True)
class Notice:
    """One such word; there is one of each name at a time."""

    name: str
    message: str
    by: str
    at: float


def put_notice(connection: Connection, notice: Notice) -> None:
    """Say it, in place of what was said before."""
    remove_notice(connection, notice.name)
    connection.execute(insert(notices).values(asdict(notice)))


def find_notice(connection: Connection, name: str) -> Notice | None:
    """The notice of a name."""
    row = connection.execute(select(notices).where(notices.c.name == name)).first()
    return Notice(*row) if row else None


def remove_notice(connection: Connection, name: str) -> None:
    """Take it back."""
    connection.execute(delete(notices).where(notices.c.name == name))
