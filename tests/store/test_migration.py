"""Images of before stay, and know when they were last launched."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, create_engine, text

import hpcbinderhub.migrations
from hpcbinderhub.tables import metadata

BEFORE = """
INSERT INTO builds (id, key, repo_url, ref, "commit", state, attempt, created)
    VALUES ('b', 'red', 'u', 'main', 'c', 'done', 1, 1.0);
INSERT INTO images (key, artefact, size, build, made) VALUES ('red', 'x', 5, 'b', 2.0);
INSERT INTO launches (id, user, server, spec, repo_url, ref, profile, open, start_when_ready,
    state, artefact, created, changed)
    VALUES ('l', 'alice', 's', '', 'u', 'main', 'p', '', 0, 'ready', 'x', 3.0, 4.0);
"""


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[Connection]:
    engine = create_engine(f"sqlite:///{tmp_path}/old.sqlite")
    with engine.begin() as connection:
        yield connection
    engine.dispose()


def move(connection: Connection, direction: str, to: str) -> None:
    settings = Config()
    settings.set_main_option("script_location", str(Path(hpcbinderhub.migrations.__file__).parent))
    settings.attributes["connection"] = connection
    getattr(command, direction)(settings, to)


def test_what_was_before_stays_and_is_completed(connection: Connection) -> None:
    move(connection, "upgrade", "0001")
    for statement in filter(str.strip, BEFORE.split(";")):
        connection.execute(text(statement))
    move(connection, "upgrade", "head")
    (image,) = connection.execute(text("SELECT * FROM images")).mappings()
    assert (image["key"], image["size"], image["last_launch"]) == ("red", 5, 3.0)
    assert image["pinned_by"] is None
    (launch,) = connection.execute(text("SELECT * FROM launches")).mappings()
    assert (launch["workspace"], launch["existing"]) == ("s", "keep")
    move(connection, "downgrade", "0001")
    (image,) = connection.execute(text("SELECT * FROM images")).mappings()
    assert dict(image) == {"key": "red", "artefact": "x", "size": 5, "build": "b", "made": 2.0}


def test_the_steps_lead_to_the_tables_that_the_code_knows(connection: Connection) -> None:
    move(connection, "upgrade", "head")
    assert compare_metadata(MigrationContext.configure(connection), metadata) == []
