"""The records of crews: read whole, and changed by pure functions of what they are.

A change is made in one transaction, from what is there then; what it leaves as it was is not
written, and a crew that changes gets another version, by which those who wait know that there is
news.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, fields, replace
from typing import Any

from sqlalchemy import (
    Connection,
    Row,
    Select,
    Table,
    bindparam,
    delete,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError

from ..database import Database
from ..errors import NotFound, UserError
from ..profiles import Choices
from ..tables import crew_batches, crew_nodes, crews
from .records import LIVE, Batch, BatchState, Crew, CrewState, Node, NodeState

Change = Callable[[Crew], Crew]

APART = ("batches", "nodes")
"""What has tables of its own."""


class CrewBook:
    """The crews of all users."""

    def __init__(
        self,
        database: Database,
        ring: Callable[[str], None],
        clock: Callable[[], float] = time.time,
    ):
        self._database = database
        self._ring = ring
        self._clock = clock

    async def add(self, crew: Crew, most: int) -> Crew:
        """A new one, unless its user has as many nodes of the profile as there may be, or its
        launch has an open one of that name."""
        try:
            return await self._database.run(_add, crew, most)
        except IntegrityError:
            raise UserError(
                f"There are workers called “{crew.name}” already.",
                f"Take them with Workers.attach({crew.name!r}), close them, or choose another "
                "name.",
                status=409,
            ) from None

    async def get(self, crew: str) -> Crew | None:
        """One record."""
        found = await self._database.run(_where, select(crews).where(crews.c.id == crew))
        return found[0] if found else None

    async def crew_of(self, batch: str) -> str | None:
        """Which one has this batch."""
        return await self._database.run(_crew_of, batch)

    async def of_launch(self, launch: str) -> list[Crew]:
        """Those of a launch that are not over, the oldest first."""
        mine = select(crews).where(crews.c.launch == launch, crews.c.state.in_(LIVE))
        return await self._database.run(_where, mine)

    async def live(self) -> list[Crew]:
        """Those in which there is something to do."""
        return await self._database.run(_where, select(crews).where(crews.c.state.in_(LIVE)))

    async def change(
        self, crew: str, change: Change, most: int | None = None, news: bool = True
    ) -> Crew:
        """Change a record; `most`: how many nodes of its profile its user may have then. Whoever
        waits for `news` is not told of what the next change will say better."""
        now = self._clock()
        changed, before = await self._database.run(_change, crew, change, most, news, now)
        if changed.version != before:
            self._ring(changed.stream)
        return changed

    async def forget(self, before: float) -> None:
        """Remove what has been over since before a time."""
        await self._database.run(_forget, before)


def _add(connection: Connection, crew: Crew, most: int) -> Crew:
    connection.execute(insert(crews).values(_row(crew)))
    _write_parts(connection, replace(crew, batches=(), nodes=()), crew)
    _check_room(connection, crew, most)
    return crew


def _change(
    connection: Connection,
    crew_id: str,
    change: Change,
    most: int | None,
    news: bool,
    now: float,
) -> tuple[Crew, int]:
    found = _where(connection, select(crews).where(crews.c.id == crew_id).with_for_update())
    if not found:
        raise NotFound("There are no such workers.", "Ask for others.")
    (crew,) = found
    changed = change(crew)
    if changed == crew:
        return crew, crew.version
    changed = replace(changed, version=crew.version + news, changed=now)
    connection.execute(update(crews).where(crews.c.id == crew.id).values(_row(changed)))
    _write_parts(connection, crew, changed)
    if most is not None:
        _check_room(connection, changed, most)
    return changed, crew.version


def _write_parts(connection: Connection, before: Crew, after: Crew) -> None:
    """What of batches and nodes is new or another."""
    _write(connection, crew_batches, ("id",), before.batches, after.batches)
    _write(connection, crew_nodes, ("batch", "task"), before.nodes, after.nodes)


def _write(
    connection: Connection,
    table: Table,
    key: tuple[str, ...],
    before: Sequence[Batch | Node],
    after: Sequence[Batch | Node],
) -> None:
    known = {_key(part, key): part for part in before}
    new = [asdict(part) for part in after if _key(part, key) not in known]
    others = [asdict(part) for part in after if known.get(_key(part, key), part) != part]
    if new:
        connection.execute(insert(table), new)
    if others:
        this = (table.c[name] == bindparam(f"this_{name}") for name in key)
        values: dict[str, Any] = {name: bindparam(name) for name in others[0] if name not in key}
        rows = [row | {f"this_{name}": row[name] for name in key} for row in others]
        connection.execute(update(table).where(*this).values(values), rows)


def _key(part: Batch | Node, names: tuple[str, ...]) -> tuple[object, ...]:
    return tuple(getattr(part, name) for name in names)


def _check_room(connection: Connection, crew: Crew, most: int) -> None:
    """Refuse more nodes than the user's crews may have under one profile, all together."""
    others = select(crews.c.id).where(
        crews.c.user == crew.user,
        crews.c.profile == crew.profile,
        crews.c.state.in_(LIVE),
        crews.c.id != crew.id,
    )
    taken = connection.execute(
        select(func.count())
        .select_from(crew_nodes.join(crew_batches, crew_nodes.c.batch == crew_batches.c.id))
        .where(
            crew_batches.c.crew.in_(others),
            crew_nodes.c.dropped.is_(False),
            crew_nodes.c.state != NodeState.ENDED,
        )
    ).scalar_one()
    wanted = len(crew.working)
    if taken + wanted > most:
        have = f" You have {taken} under other names." if taken else ""
        raise UserError(
            f"{wanted} nodes are more than this profile gives to workers: {most}.{have}",
            "Ask for fewer, close others, or choose another profile.",
        )


def _where(connection: Connection, wanted: Select[Any]) -> list[Crew]:
    rows = connection.execute(wanted.order_by(crews.c.created, crews.c.id)).all()
    batches = _batches(connection, [row.id for row in rows])
    nodes = _nodes(connection, [batch.id for batch in batches])
    return [_crew(row, batches, nodes) for row in rows]


def _batches(connection: Connection, of: list[str]) -> list[Batch]:
    theirs = select(crew_batches).where(crew_batches.c.crew.in_(of)).order_by(crew_batches.c.number)
    return [
        Batch(**{**row._mapping, "state": BatchState(row.state)})
        for row in connection.execute(theirs)
    ]


def _nodes(connection: Connection, of: list[str]) -> dict[str, list[Node]]:
    found: dict[str, list[Node]] = {batch: [] for batch in of}
    theirs = select(crew_nodes).where(crew_nodes.c.batch.in_(of)).order_by(crew_nodes.c.task)
    for row in connection.execute(theirs):
        found[row.batch].append(Node(**{**row._mapping, "state": NodeState(row.state)}))
    return found


def _crew(row: Row[Any], batches: Iterable[Batch], nodes: dict[str, list[Node]]) -> Crew:
    own = tuple(batch for batch in batches if batch.crew == row.id)
    values = {
        **row._mapping,
        "state": CrewState(row.state),
        "choices": Choices.model_validate_json(row.choices),
        "failure": json.loads(row.failure) if row.failure else None,
    }
    return Crew(**values, batches=own, nodes=tuple(n for batch in own for n in nodes[batch.id]))


def _row(crew: Crew) -> dict[str, Any]:
    values = {one.name: getattr(crew, one.name) for one in fields(Crew) if one.name not in APART}
    return values | {
        "choices": crew.choices.model_dump_json(exclude_none=True),
        "failure": json.dumps(crew.failure) if crew.failure else None,
    }


def _crew_of(connection: Connection, batch: str) -> str | None:
    whose = select(crew_batches.c.crew).where(crew_batches.c.id == batch)
    return connection.execute(whose).scalar()


def _forget(connection: Connection, before: float) -> None:
    old = select(crews.c.id).where(crews.c.state.not_in(LIVE), crews.c.changed < before)
    of_old = select(crew_batches.c.id).where(crew_batches.c.crew.in_(old))
    connection.execute(delete(crew_nodes).where(crew_nodes.c.batch.in_(of_old)))
    connection.execute(delete(crew_batches).where(crew_batches.c.crew.in_(old)))
    connection.execute(delete(crews).where(crews.c.id.in_(old)))
