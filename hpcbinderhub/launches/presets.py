"""What a user chose last, and choices that she keeps under names of her own."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field, StringConstraints, ValidationError
from sqlalchemy import Connection, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from ..database import Database
from ..errors import NotFound, UserError
from ..profiles import Choices, Name
from ..tables import presets

LAST = ""
"""The name of what was chosen last; no preset can have it."""
MOST = 50

PresetName = Annotated[
    str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f/\\]+$", max_length=60, strip_whitespace=True)
]


class Selection(Choices):
    """A profile, and what is chosen under it."""

    profile: Name = Field(description="The profile's name.")


@dataclass(frozen=True)
class Preset:
    """A selection that a user keeps."""

    name: str
    selection: Selection


class Presets:
    """The presets of all users."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time):
        self._database = database
        self._clock = clock

    async def of_user(self, user: str) -> list[Preset]:
        """A user's, by name. What an earlier version kept and this one does not understand is left
        out."""
        return [one for one in await self._all(user) if one.name != LAST]

    async def last(self, user: str) -> Selection | None:
        """What the user launched last with."""
        found = (one.selection for one in await self._all(user) if one.name == LAST)
        return next(found, None)

    async def remember(self, user: str, selection: Selection) -> None:
        """This is what she launched last with."""
        await self._database.run(_keep, user, LAST, selection, self._clock())

    async def keep(self, user: str, name: str, selection: Selection) -> None:
        """Keep a selection under a name, in place of what had it before."""
        await self._database.run(_keep, user, name, selection, self._clock())

    async def rename(self, user: str, name: str, new: str) -> None:
        """Give a preset another name, which none of the user's has."""
        if name != new and not await self._database.run(_rename, user, name, new):
            raise NotFound(f"You have no preset “{name}”.", "Load the page again.")

    async def delete(self, user: str, name: str) -> bool:
        """Forget a preset; False if the user has no such one."""
        return await self._database.run(_delete, user, name)

    async def _all(self, user: str) -> list[Preset]:
        found = []
        for name, text in await self._database.run(_of_user, user):
            try:
                found.append(Preset(name, Selection.model_validate_json(text)))
            except ValidationError:
                continue
        return found


def _of_user(connection: Connection, user: str) -> list[tuple[str, str]]:
    mine = select(presets.c.name, presets.c.selection).where(presets.c.user == user)
    return [(row.name, row.selection) for row in connection.execute(mine.order_by(presets.c.name))]


def _keep(connection: Connection, user: str, name: str, selection: Selection, now: float) -> None:
    one = (presets.c.user == user, presets.c.name == name)
    values = {"selection": selection.model_dump_json(exclude_none=True), "changed": now}
    if connection.execute(update(presets).where(*one).values(values)).rowcount:
        return
    hers = (presets.c.user == user, presets.c.name != LAST)
    many = select(func.count()).select_from(presets).where(*hers)
    if name != LAST and connection.execute(many).scalar_one() >= MOST:
        raise UserError(f"You keep {MOST} presets, as many as one may.", "Delete one first.")
    connection.execute(insert(presets).values(user=user, name=name, **values))


def _rename(connection: Connection, user: str, name: str, new: str) -> bool:
    one = (presets.c.user == user, presets.c.name == name)
    try:
        return bool(connection.execute(update(presets).where(*one).values(name=new)).rowcount)
    except IntegrityError:
        raise UserError(
            f"You have a preset “{new}” already.", "Choose another name.", status=409
        ) from None


def _delete(connection: Connection, user: str, name: str) -> bool:
    one = (presets.c.user == user, presets.c.name == name)
    return bool(connection.execute(delete(presets).where(*one)).rowcount)
