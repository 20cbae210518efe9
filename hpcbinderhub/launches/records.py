"""Launch records: who starts what, under which profile, and how far it has come.

A record outlives every process. Whoever reads one knows what to do next, so a service that was
killed goes on where the record says.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, insert, select, update

from ..database import Database
from ..profiles import Choices
from ..tables import images, launches
from ..trust.reach import Reach
from .options import Existing
from .run import Run


class State(StrEnum):
    """How far a launch has come."""

    RESOLVING = "resolving"
    BUILDING = "building"
    BUILT = "built"
    PARKED = "parked"
    """The image is ready and the owner is away: one click goes on."""
    STARTING = "starting"
    READY = "ready"
    CANCELLING = "cancelling"
    """Given up while its server started: that is being stopped."""
    FAILED = "failed"
    CANCELLED = "cancelled"


LIVE = (State.RESOLVING, State.BUILDING, State.BUILT, State.STARTING, State.CANCELLING)
"""States in which somebody has something to do without being asked."""
OVER = (State.READY, State.FAILED, State.CANCELLED)


@dataclass(frozen=True, kw_only=True)
class Request:
    """What one user asked for, checked."""

    user: str
    server: str
    spec: str
    repo_url: str
    ref: str
    profile: str
    account: str | None = None
    minutes: int | None = None
    nodes: int | None = None
    cpus: int | None = None
    memory_mb: int | None = None
    gpus: int | None = None
    gpu_type: str | None = None
    partition: str | None = None
    qos: str | None = None
    constraint: str | None = None
    reservation: str | None = None
    open: str
    start_when_ready: bool
    workspace: str
    existing: Existing
    reach: Reach
    run: Run | None = None

    @property
    def choices(self) -> Choices:
        """What of the profile's offer was chosen."""
        return Choices(**{name: getattr(self, name) for name in Choices.model_fields})


@dataclass(frozen=True, kw_only=True)
class Launch(Request):
    """A request and what became of it."""

    id: str
    state: State
    commit: str | None
    build: str | None
    artefact: str | None
    """Its image; of one that has yet to get it, the one that it had, or was launched with before.
    """

    private: bool
    url: str | None
    failure: dict[str, str] | None
    created: float
    changed: float

    @property
    def reader(self) -> str | None:
        """Who alone may read the repository; None for everybody."""
        return self.user if self.private else None

    @property
    def stream(self) -> str:
        """The name of its event stream."""
        return f"launch:{self.id}"


class LaunchBook:
    """The launch records."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time):
        self._database = database
        self._clock = clock

    async def add(
        self, request: Request, commit: str | None = None, artefact: str | None = None
    ) -> Launch:
        """A new record, in state RESOLVING; of a commit, if it is not to be what the ref stands
        for now, and of an environment as it was."""
        values = asdict(request) | {
            # Sorts by time, so that a user's launches are listed in order by name alone.
            "id": f"{int(self._clock()):08x}{secrets.token_hex(5)}",
            "state": State.RESOLVING,
            "commit": commit,
            "artefact": artefact,
            "run": request.run.model_dump_json() if request.run else None,
            "created": self._clock(),
            "changed": self._clock(),
        }
        return await self._database.run(_add, values)

    async def get(self, launch: str) -> Launch | None:
        """One record."""
        return await self._database.run(_get, launch)

    async def live(self) -> list[Launch]:
        """Records in which there is something to do."""
        return await self._database.run(_in_states, LIVE)

    async def parked_before(self, at: float) -> list[Launch]:
        """Records that have waited for their owners since before a time."""
        parked = await self._database.run(_in_states, (State.PARKED,))
        return [launch for launch in parked if launch.changed < at]

    async def of_user(self, user: str, limit: int) -> list[Launch]:
        """A user's launches, the newest first."""
        return await self._database.run(_of_user, user, limit)

    async def of_server(self, user: str, server: str) -> Launch | None:
        """The newest launch of a user's server."""
        return await self._database.run(_newest, user, server)

    async def has_used(self, user: str, workspace: str) -> bool:
        """Whether a server of the user's has worked in this workspace, as far as is on record."""
        return await self._database.run(_has_used, user, workspace)

    async def change(self, launch: str, was: State, **values: Any) -> Launch | None:
        """Change a record that is in state `was`; None if it is in another by now."""
        if "failure" in values:
            values["failure"] = json.dumps(values["failure"])
        return await self._database.run(_change, launch, was, values | {"changed": self._clock()})

    async def take(self, launch: str, was: State, artefact: str, **values: Any) -> Launch | None:
        """`change`, for a step after which the launch counts on an image; None also if the image is
        gone. Taking it and removing it exclude each other."""
        return await self._database.run(
            _take, launch, was, artefact, values | {"changed": self._clock()}
        )


def _add(connection: Connection, values: dict[str, Any]) -> Launch:
    row = connection.execute(insert(launches).values(values).returning(*launches.c)).one()
    return _launch(row)


def _get(connection: Connection, launch: str) -> Launch | None:
    row = connection.execute(select(launches).where(launches.c.id == launch)).first()
    return _launch(row) if row else None


def _in_states(connection: Connection, states: tuple[State, ...]) -> list[Launch]:
    found = select(launches).where(launches.c.state.in_(states)).order_by(launches.c.created)
    return [_launch(row) for row in connection.execute(found)]


def _of_user(connection: Connection, user: str, limit: int) -> list[Launch]:
    mine = select(launches).where(launches.c.user == user)
    rows = connection.execute(mine.order_by(launches.c.created.desc()).limit(limit))
    return [_launch(row) for row in rows]


def _newest(connection: Connection, user: str, server: str) -> Launch | None:
    row = connection.execute(
        select(launches)
        .where(launches.c.user == user, launches.c.server == server)
        .order_by(launches.c.created.desc())
        .limit(1)
    ).first()
    return _launch(row) if row else None


def _has_used(connection: Connection, user: str, workspace: str) -> bool:
    mine = select(launches.c.id).where(
        launches.c.user == user,
        launches.c.workspace == workspace,
        launches.c.state == State.READY,
    )
    return connection.execute(mine.limit(1)).first() is not None


def _change(
    connection: Connection, launch: str, was: State, values: dict[str, Any]
) -> Launch | None:
    row = connection.execute(
        update(launches)
        .where(launches.c.id == launch, launches.c.state == was)
        .values(values)
        .returning(*launches.c)
    ).first()
    return _launch(row) if row else None


def _take(
    connection: Connection, launch: str, was: State, artefact: str, values: dict[str, Any]
) -> Launch | None:
    there = connection.execute(
        update(images).where(images.c.artefact == artefact).values(last_launch=values["changed"])
    )
    if not there.rowcount:
        return None
    return _change(connection, launch, was, values | {"artefact": artefact})


def _launch(row: Any) -> Launch:
    values = dict(row._mapping)
    values["state"] = State(values["state"])
    values["existing"] = Existing(values["existing"])
    values["reach"] = Reach(values["reach"])
    values["failure"] = json.loads(values["failure"]) if values["failure"] else None
    values["run"] = Run.model_validate_json(values["run"]) if values["run"] else None
    return Launch(**values)
