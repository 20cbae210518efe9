"""The images that there are: what each is of, what it costs, who keeps it, and its removal."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, exists, func, or_, select, update

from ..builds.lookups import visible_to
from ..database import Database
from ..errors import NotFound, UserError
from ..tables import builds, images, launches, removals
from . import removals as removing
from .plan import StoredImage
from .uses import Uses


@dataclass(frozen=True)
class KnownImage(StoredImage):
    """An image, where it came from, and how much it is wanted."""

    build: str
    repo_url: str
    ref: str
    commit: str
    launches: int
    pinned_at: float | None
    reader: str | None
    """The one user who may have it; anybody may if there is none."""


@dataclass(frozen=True)
class Totals:
    """What all images cost, and what is on its way out of the store."""

    images: int
    size: int
    removing: int
    removing_size: int


class Catalogue:
    """All images of a site."""

    def __init__(self, database: Database, uses: Uses, clock: Callable[[], float] = time.time):
        self._database = database
        self._uses = uses
        self._clock = clock

    async def newest(
        self, limit: int, *, seen_by: str | None, used_by: str | None = None
    ) -> list[KnownImage]:
        """The images that a user may know of, the newest first; None sees all. Those alone that
        somebody asked for or launched, if it is said who."""
        query = _known(seen_by).order_by(images.c.made.desc()).limit(limit)
        if used_by is not None:
            query = query.where(or_(builds.c.asker == used_by, _launched_by(used_by)))
        return await self._read(query)

    async def all(self) -> list[KnownImage]:
        """All images."""
        return await self._read(_known())

    async def image(self, key: str, *, seen_by: str | None = None) -> KnownImage:
        """The image whose key begins so; NotFound if the user may know of none, or of several."""
        query = _known(seen_by).where(images.c.key.startswith(key, autoescape=True)).limit(2)
        found = await self._read(query)
        if not found:
            raise NotFound(
                f"There is no image {key}.", "See `hpcbinderhub images list`, or the admin's page."
            )
        if len(found) > 1:
            raise NotFound(f"More than one image's key begins with {key}.", "Write more of it.")
        return found[0]

    async def totals(self) -> Totals:
        """What all cost together."""
        return await self._database.run(_totals)

    async def pin(self, key: str, by: str) -> KnownImage:
        """Keep an image, whatever the limits."""
        return await self._change(key, pinned_by=by, pinned_at=self._clock())

    async def unpin(self, key: str) -> KnownImage:
        """Let an image go as others do."""
        return await self._change(key, pinned_by=None, pinned_at=None)

    async def remove(self, key: str) -> KnownImage:
        """Forget an image that nobody needs, and have a worker remove its file."""
        image = await self.image(key)
        if image.pinned_by is not None:
            raise UserError(
                f"This image is pinned by {image.pinned_by}.", "Unpin it first.", status=409
            )
        if image.in_use or not await self.forget(image):
            raise UserError(
                "This image is in use: a server runs it, or is waiting or able to start with it.",
                "Remove it when its users have stopped; see `artefacts_grace_days`.",
                status=409,
            )
        return image

    async def forget(self, image: StoredImage) -> bool:
        """Forget an image and hand its file to the workers, unless it was wanted since it was
        looked up."""
        return await self._database.run(
            removing.forget_unused, image, self._uses.since, self._clock()
        )

    async def _read(self, query: Select[Any]) -> list[KnownImage]:
        """Images, read before their users are looked at: who takes one after that marks it as
        launched, so that it is not given up whatever was seen of its users."""
        found = await self._database.run(_read, query)
        used = await self._uses.now() if found else frozenset()
        return [replace(image, in_use=image.artefact in used) for image in found]

    async def _change(self, key: str, **values: Any) -> KnownImage:
        image = await self.image(key)
        await self._database.run(_update, image.key, values)
        return await self.image(image.key)


def known_artefacts(connection: Connection) -> frozenset[str]:
    """The artefacts of images, and those that are on their way out."""
    found = select(images.c.artefact).union(select(removals.c.artefact))
    return frozenset(connection.execute(found).scalars())


def _known(seen_by: str | None = None) -> Select[Any]:
    number = (
        select(func.count())
        .where(launches.c.artefact == images.c.artefact)
        .scalar_subquery()
        .label("launches")
    )
    of_build = (builds.c.repo_url, builds.c.ref, builds.c.commit, builds.c.reader)
    made = select(images, *of_build, number).join(builds, builds.c.id == images.c.build)
    return made.where(visible_to(seen_by))


def _launched_by(user: str) -> ColumnElement[bool]:
    return exists().where(launches.c.user == user, launches.c.artefact == images.c.artefact)


def _read(connection: Connection, query: Select[Any]) -> list[KnownImage]:
    return [
        KnownImage(
            key=row.key,
            artefact=row.artefact,
            size=row.size,
            made=row.made,
            last_launch=row.last_launch,
            pinned_by=row.pinned_by,
            in_use=False,
            build=row.build,
            repo_url=row.repo_url,
            ref=row.ref,
            commit=row.commit,
            launches=row.launches,
            pinned_at=row.pinned_at,
            reader=row.reader,
        )
        for row in connection.execute(query)
    ]


def _update(connection: Connection, key: str, values: dict[str, Any]) -> None:
    connection.execute(update(images).where(images.c.key == key).values(values))


def _totals(connection: Connection) -> Totals:
    def both(table: Any) -> tuple[int, int]:
        row = connection.execute(select(func.count(), func.sum(table.c.size)).select_from(table))
        number, size = row.one()
        return number, int(size or 0)

    return Totals(*both(images), *both(removals))
