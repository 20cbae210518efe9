"""Giving an image up: the last look at who needs it is part of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, create_engine, insert, select

from hpcbinderhub.launches.records import State
from hpcbinderhub.store import removals
from hpcbinderhub.store.plan import StoredImage
from hpcbinderhub.tables import builds, images, launches, metadata

ARTEFACT = "a" * 64
NOW = 1000.0
SINCE = 900.0
IMAGE = StoredImage("red", ARTEFACT, 5, 1.0, None, None, False)


@pytest.fixture
def connection() -> Iterator[Connection]:
    """A database with one image."""
    engine = create_engine("sqlite://")
    metadata.create_all(engine)
    with engine.begin() as connection:
        add_image(connection, "red")
        yield connection
    engine.dispose()


def add_image(connection: Connection, key: str) -> None:
    common = {"key": key, "repo_url": "", "ref": "", "commit": "0" * 40, "state": "done"}
    connection.execute(insert(builds).values(id=key, created=1.0, **common))
    connection.execute(
        insert(images).values(key=key, artefact=ARTEFACT, size=5, build=key, made=1.0)
    )


def add_launch(connection: Connection, state: State, changed: float = NOW) -> None:
    texts = dict.fromkeys(
        ("user", "server", "spec", "repo_url", "ref", "profile", "workspace"), "x"
    )
    taken = (
        {"artefact": None, "build": "red"} if state is State.BUILDING else {"artefact": ARTEFACT}
    )
    connection.execute(
        insert(launches).values(id="1", state=state, created=1.0, changed=changed, **texts, **taken)
    )


def test_what_nobody_needs_is_forgotten_and_its_file_handed_to_the_workers(
    connection: Connection,
) -> None:
    assert removals.forget_unused(connection, IMAGE, SINCE, NOW)
    assert connection.execute(select(images)).all() == []
    assert removals.pending(connection) == [ARTEFACT]
    assert not removals.forget_unused(connection, IMAGE, SINCE, NOW)
    removals.removed(connection, [ARTEFACT])
    assert removals.pending(connection) == []


@pytest.mark.parametrize(
    ("state", "changed", "stays"),
    [
        (State.BUILDING, 1.0, True),
        (State.BUILT, 1.0, True),
        (State.STARTING, 1.0, True),
        (State.PARKED, SINCE + 1, True),
        (State.PARKED, SINCE - 1, False),
        (State.FAILED, NOW, False),
    ],
)
def test_a_launch_on_its_way_keeps_its_image(
    state: State, changed: float, stays: bool, connection: Connection
) -> None:
    add_launch(connection, state, changed)
    assert removals.forget_unused(connection, IMAGE, SINCE, NOW) is not stays


def test_a_file_that_is_another_images_too_stays(connection: Connection) -> None:
    add_image(connection, "green")
    assert removals.forget_unused(connection, IMAGE, SINCE, NOW)
    assert removals.pending(connection) == []


def test_a_stray_that_a_launch_needs_stays(connection: Connection) -> None:
    removals.forget_unused(connection, IMAGE, SINCE, NOW)
    removals.removed(connection, [ARTEFACT])
    add_launch(connection, State.STARTING)
    assert not removals.remove_stray(connection, ARTEFACT, 5, SINCE, NOW)
    connection.execute(launches.delete())
    assert removals.remove_stray(connection, ARTEFACT, 5, SINCE, NOW)
    assert not removals.remove_stray(connection, ARTEFACT, 5, SINCE, NOW)
