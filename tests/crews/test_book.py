"""Records of crews, in each kind of database."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from crews.crews import crew

from hpcbinderhub.crews import changes
from hpcbinderhub.crews.book import CrewBook
from hpcbinderhub.crews.records import Crew
from hpcbinderhub.database import Database
from hpcbinderhub.errors import NotFound, UserError


@pytest.fixture
def rung() -> list[str]:
    """Whose news were told of."""
    return []


@pytest.fixture
def book(database: Database, rung: list[str]) -> CrewBook:
    return CrewBook(database, rung.append, lambda: 2000.0)


async def test_what_is_kept_is_what_was_given(book: CrewBook) -> None:
    made = await book.add(crew((4, 4), (2,)), most=10)
    assert await book.get("c1") == made
    assert await book.crew_of("b2") == "c1"
    assert await book.crew_of("nobody") is None
    assert await book.live() == await book.of_launch(made.launch) == [made]
    assert await book.get("nobody") is None


async def test_a_change_has_a_version_and_no_change_has_none(
    book: CrewBook, rung: list[str]
) -> None:
    await book.add(crew((4, 4)), most=10)
    changed = await book.change("c1", lambda c: changes.begun(c, "b1", "/b1", 1500.0))
    assert (changed.version, changed.changed) == (2, 2000.0)
    assert await book.get("c1") == changed
    assert await book.change("c1", lambda c: changes.begun(c, "b1", "/b1", 1500.0)) == changed
    assert rung == ["crew:c1"]
    silent = await book.change("c1", lambda c: changes.submitted(c, "b1", "7", ""), news=False)
    assert silent.version == 2
    assert await book.get("c1") == silent
    assert rung == ["crew:c1"]
    with pytest.raises(NotFound):
        await book.change("nobody", lambda c: c)


def adding(nodes: int) -> Callable[[Crew], Crew]:
    return lambda c: changes.grown(c, "b9", (4,) * nodes)


async def test_the_limit_is_for_all_crews_of_a_user_under_a_profile(book: CrewBook) -> None:
    await book.add(crew((4, 4)), most=4)
    second = replace(crew(), id="c2", name="others")
    await book.add(second, most=4)
    with pytest.raises(UserError, match="You have 2 under other names"):
        await book.change("c2", adding(3), most=4)
    assert await book.get("c2") == second
    await book.change("c2", adding(2), most=4)
    with pytest.raises(UserError, match="more than this profile"):
        await book.add(changes.grown(replace(crew(), id="c3", name="third"), "b3", (4,)), most=4)
    assert await book.get("c3") is None
    # What is on its way out makes room, and another profile or user is another matter.
    await book.change("c1", lambda c: changes.closing(c, "closed"))
    elsewhere = {"id": "c4", "name": "fourth", "user": "bob"}
    mine = crew()
    await book.add(changes.grown(replace(mine, **elsewhere), "b4", (4,) * 4), most=4)


async def test_a_name_is_free_again_when_its_crew_is_over(book: CrewBook) -> None:
    await book.add(crew(), most=4)
    with pytest.raises(UserError, match="called “workers” already") as caught:
        await book.add(replace(crew(), id="c2"), most=4)
    assert caught.value.status == 409
    await book.change("c1", lambda c: changes.closing(c, "closed"))
    await book.add(replace(crew(), id="c2"), most=4)
    assert [c.id for c in await book.live()] == ["c2"]


async def test_what_is_long_over_is_forgotten(book: CrewBook) -> None:
    await book.add(crew((4, 4)), most=4)
    await book.forget(3000.0)
    assert await book.get("c1") is not None
    await book.change("c1", lambda c: changes.closing(c, "closed"))
    await book.forget(1999.0)
    assert await book.get("c1") is not None
    await book.forget(2001.0)
    assert await book.get("c1") is None
