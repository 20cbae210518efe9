"""The database, off the event loop.

SQL is written as plain functions of a connection; `Database.run` calls one in a transaction, on a
thread. SQLite has one writer, so there is one thread for it: nothing waits for a lock, and nothing
is ever "busy".
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

from alembic import command
from alembic.config import Config as AlembicConfig
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, event

P = ParamSpec("P")
R = TypeVar("R")

POSTGRES_THREADS = 8


class Database:
    """One database, owned by one process."""

    def __init__(self, url: str):
        self.url = url
        self._engine = _engine(url)
        threads = 1 if self._engine.dialect.name == "sqlite" else POSTGRES_THREADS
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="database")

    async def run(
        self, function: Callable[Concatenate[Connection, P], R], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """`function(connection, …)` in a transaction of its own."""

        def call() -> R:
            with self._engine.begin() as connection:
                return function(connection, *args, **kwargs)

        return await asyncio.get_running_loop().run_in_executor(self._threads, call)

    def upgrade(self) -> None:
        """Bring the tables to this version's shape."""
        settings = _steps()
        with self._engine.begin() as connection:
            settings.attributes["connection"] = connection
            command.upgrade(settings, "head")

    def revisions(self) -> tuple[str | None, str | None]:
        """What the tables are of, and what this version's are of."""
        with self._engine.connect() as connection:
            found = MigrationContext.configure(connection).get_current_revision()
        return found, ScriptDirectory.from_config(_steps()).get_current_head()

    async def close(self) -> None:
        """Wait for what runs, then let go of the database."""
        await asyncio.to_thread(self._threads.shutdown)
        self._engine.dispose()


def _steps() -> AlembicConfig:
    settings = AlembicConfig()
    settings.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return settings


def _engine(url: str) -> Engine:
    engine = create_engine(url)
    if engine.dialect.name == "sqlite":

        @event.listens_for(engine, "connect")
        def _configure(connection: Any, _record: Any) -> None:
            # WAL lets the command line read while the service writes; NORMAL loses nothing on a
            # killed process, only on a power cut, where the tail of the log may be missing.
            for setting in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
                connection.execute(f"PRAGMA {setting}")

    return engine
