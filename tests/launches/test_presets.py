"""Presets, as they are kept."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection, insert

from hpcbinderhub.database import Database
from hpcbinderhub.errors import NotFound, UserError
from hpcbinderhub.launches.presets import MOST, Presets, Selection
from hpcbinderhub.tables import presets as table

LONG = Selection(profile="regular", minutes=240, cpus=8)
SHORT = Selection(profile="interactive", minutes=20)


async def test_presets_are_kept_replaced_renamed_and_deleted_each_users_own(
    database: Database,
) -> None:
    presets = Presets(database)
    await presets.keep("alice", "long", LONG)
    await presets.keep("alice", "a short look", SHORT)
    await presets.keep("bob", "long", SHORT)
    hers = {one.name: one.selection for one in await presets.of_user("alice")}
    assert hers == {"a short look": SHORT, "long": LONG}
    await presets.keep("alice", "long", SHORT)
    assert [one.selection for one in await presets.of_user("alice")] == [SHORT, SHORT]

    await presets.rename("alice", "long", "overnight")
    with pytest.raises(UserError, match="You have a preset “overnight” already") as taken:
        await presets.rename("alice", "a short look", "overnight")
    assert taken.value.status == 409
    with pytest.raises(NotFound):
        await presets.rename("alice", "long", "night")
    assert await presets.delete("alice", "overnight")
    assert not await presets.delete("alice", "overnight")
    assert [one.name for one in await presets.of_user("bob")] == ["long"]


async def test_what_was_chosen_last_is_no_preset(database: Database) -> None:
    presets = Presets(database)
    assert await presets.last("alice") is None
    await presets.remember("alice", SHORT)
    await presets.remember("alice", LONG)
    assert await presets.last("alice") == LONG
    assert await presets.of_user("alice") == []


async def test_one_keeps_so_many(database: Database) -> None:
    presets = Presets(database)
    for number in range(MOST):
        await presets.keep("alice", f"number {number}", SHORT)
    with pytest.raises(UserError, match="Delete one first"):
        await presets.keep("alice", "one more", SHORT)
    await presets.keep("alice", "number 7", LONG)
    await presets.remember("alice", LONG)
    assert await presets.last("alice") == LONG


async def test_what_is_not_understood_any_more_is_left_out(database: Database) -> None:
    def add(connection: Connection) -> None:
        values = {"selection": '{"profile": "regular", "colour": "red"}', "changed": 1.0}
        connection.execute(insert(table).values(user="alice", name="old", **values))

    await database.run(add)
    assert await Presets(database).of_user("alice") == []
