"""What tests of several rooms need."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path

import postgres
import pytest
from repos.forge import Forge, serve
from sqlalchemy import create_engine, text

from hpcbinderhub.database import Database

# Its pytest plugin would import it at the end of a run, from a stack so deep that Python 3.11 fails
# to parse it (cpython issue 106905). The builder's host has none of it, and needs none.
with suppress(ImportError):
    import hypothesis  # noqa: F401


@pytest.fixture
def forge(tmp_path: Path) -> Iterator[Forge]:
    """A Git server with one repository."""
    with serve(tmp_path) as made:
        yield made


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """A PostgreSQL server, once for all tests."""
    programs = postgres.programs()
    if programs is None:
        pytest.skip("PostgreSQL is not installed here")
    with postgres.running_server(programs) as url:
        yield url


@pytest.fixture
def postgres_url(postgres_server: str) -> str:
    """An empty database on it."""
    name = f"tests_{uuid.uuid4().hex}"
    server = create_engine(postgres_server.format(name="postgres"), isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    server.dispose()
    return postgres_server.format(name=name)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of each kind that there may be."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/queue.sqlite"
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """The same, with the tables of this version."""
    made = Database(database_url)
    await asyncio.to_thread(made.upgrade)
    yield made
    await made.close()
