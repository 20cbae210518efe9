"""Removals: an image is forgotten here, and then its file is removed by whoever owns it, a worker.

Forgetting it is one transaction with the last look at who needs it. A launch that comes later finds
no image and has it built; one that was earlier has marked the image as launched, and keeps it.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, delete, insert, select

from ..tables import images, removals
from .plan import StoredImage
from .uses import used_by_launches

AT_A_TIME = 1000


def forget_unused(connection: Connection, image: StoredImage, since: float, now: float) -> bool:
    """Forget an image and have its file removed, unless it was launched or pinned since it was
    read, or a launch needs it."""
    forgotten = connection.execute(
        delete(images).where(
            images.c.key == image.key,
            images.c.artefact == image.artefact,
            images.c.pinned_by.is_(None),
            images.c.last_launch.is_not_distinct_from(image.last_launch),
            images.c.artefact.not_in(used_by_launches(since)),
        )
    )
    if forgotten.rowcount:
        _have_removed(connection, image.artefact, image.size, now)
    return bool(forgotten.rowcount)


def remove_stray(
    connection: Connection, artefact: str, size: int, since: float, now: float
) -> bool:
    """Have a file removed that no image stands for, unless a launch still needs it."""
    if artefact in connection.execute(used_by_launches(since)).scalars():
        return False
    return _have_removed(connection, artefact, size, now)


def pending(connection: Connection) -> list[str]:
    """The artefacts whose files are to be removed now, the longest waiting first."""
    waiting = select(removals.c.artefact).order_by(removals.c.since).limit(AT_A_TIME)
    return list(connection.execute(waiting).scalars())


def removed(connection: Connection, artefacts: Sequence[str]) -> None:
    """A worker has removed these files."""
    connection.execute(delete(removals).where(removals.c.artefact.in_(artefacts)))


def _have_removed(connection: Connection, artefact: str, size: int, now: float) -> bool:
    """Not if another image is the same file, or if it is on its way out already."""
    for table in (images, removals):
        if connection.execute(select(table.c.size).where(table.c.artefact == artefact)).first():
            return False
    connection.execute(insert(removals).values(artefact=artefact, size=size, since=now))
    return True
