"""The queue of builds: a table, and single statements on it.

A claim is one UPDATE with a lease. A worker that is not heard of loses its lease and the build goes
to another; whatever the first one still says is refused.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, and_, delete, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from ..database import Database
from ..events import EventLog, Line, append_events
from ..tables import builds, events, images, launches

MAX_ATTEMPTS = 3


@dataclass(frozen=True)
class Build:
    """One row of the queue."""

    id: str
    key: str
    repo_url: str
    ref: str
    commit: str
    state: str
    attempt: int
    worker: str | None
    lease_until: float | None
    created: float
    finished: float | None
    failure: dict[str, str] | None


@dataclass(frozen=True)
class Image:
    """What a recipe key was built into."""

    key: str
    artefact: str
    size: int


@dataclass(frozen=True)
class KnownImage:
    """An image, where it came from, and how much it is used."""

    key: str
    artefact: str
    size: int
    made: float
    repo_url: str
    commit: str
    launches: int
    last_launch: float | None


class LeaseLost(Exception):
    """The build is no longer this worker's."""


def stream(build: str) -> str:
    """The name of a build's event stream."""
    return f"build:{build}"


class BuildQueue:
    """What services and tests do with builds."""

    def __init__(
        self,
        database: Database,
        events: EventLog,
        lease_seconds: float,
        clock: Callable[[], float] = time.time,
    ):
        self._database = database
        self._events = events
        self._lease = lease_seconds
        self._clock = clock
        self._work = asyncio.Event()

    async def image(self, key: str) -> Image | None:
        """The image of a recipe, if it was built."""
        return await self._database.run(find_image, key)

    async def get(self, build: str) -> Build | None:
        """One build."""
        return await self._database.run(find_build, build)

    async def lengths(self) -> dict[str, int]:
        """How many builds wait, and how many run."""
        return await self._database.run(count_live)

    async def images(self, limit: int) -> list[KnownImage]:
        """All images, the newest first."""
        return await self._database.run(list_images, limit)

    async def newest(
        self, *, state: str = "", repo_url: str = "", before: float | None = None, limit: int = 50
    ) -> list[Build]:
        """Builds, the newest first."""
        return await self._database.run(list_builds, state, repo_url, before, limit)

    async def cancel(self, build: str, by: str) -> Build | None:
        """End a live build. Its worker hears of it when it next says something, and stops."""
        cancelled = await self._database.run(cancel, build, by, self._clock())
        self._events.ring(stream(build))
        return cancelled

    async def forget(self, build: str) -> bool:
        """Remove the record and the log of a build that is over; its image stays."""
        return await self._database.run(forget, build)

    async def enqueue(self, key: str, repo_url: str, ref: str, commit: str) -> Build:
        """The live build of this recipe: the one that is queued or running, or a new one."""
        build = await self._database.run(find_or_add, key, repo_url, ref, commit, self._clock())
        self._events.ring(stream(build.id))
        self._work.set()
        return build

    async def claim(self, worker: str) -> Build | None:
        """The next build for this worker, if there is one."""
        now = self._clock()
        for lost in await self._database.run(give_up, now):
            self._events.ring(stream(lost))
        build = await self._database.run(claim_next, worker, now, now + self._lease)
        if build:
            self._events.ring(stream(build.id))
        return build

    async def wait_and_claim(self, worker: str, seconds: float) -> Build | None:
        """`claim`, and if there is nothing, wait for something to claim for so long."""
        limit = asyncio.get_running_loop().time() + seconds
        while True:
            self._work.clear()
            build = await self.claim(worker)
            left = limit - asyncio.get_running_loop().time()
            if build or left <= 0:
                return build
            try:
                # Leases that run out ring no bell, so look again now and then.
                await asyncio.wait_for(self._work.wait(), min(left, self._lease / 3))
            except TimeoutError:
                continue

    async def heartbeat(self, build: str, worker: str) -> None:
        """Renew the lease. LeaseLost if it is another's by now."""
        await self._database.run(renew, build, worker, self._clock() + self._lease)

    async def report(self, build: str, worker: str, lines: Sequence[Line]) -> None:
        """Append what the worker says, if the build is still its own."""
        now = self._clock()
        await self._database.run(renew_and_append, build, worker, now, now + self._lease, lines)
        self._events.ring(stream(build))

    async def finish(self, build: str, worker: str, artefact: str, size: int) -> None:
        """The build made an artefact."""
        await self._database.run(finish, build, worker, self._clock(), artefact, size)
        self._events.ring(stream(build))

    async def fail(self, build: str, worker: str, failure: dict[str, Any]) -> None:
        """The build failed, for a reason that another try would meet again."""
        await self._database.run(fail, build, worker, self._clock(), failure)
        self._events.ring(stream(build))

    async def release(self, build: str, worker: str) -> None:
        """Back into the queue: the worker is stopping."""
        await self._database.run(release, build, worker, self._clock())
        self._events.ring(stream(build))
        self._work.set()


# -- statements ------------------------------------------------------------------------------------


def find_image(connection: Connection, key: str) -> Image | None:
    """See `BuildQueue.image`."""
    row = connection.execute(select(images).where(images.c.key == key)).first()
    return Image(row.key, row.artefact, row.size) if row else None


def find_build(connection: Connection, build: str) -> Build | None:
    """See `BuildQueue.get`."""
    row = connection.execute(select(builds).where(builds.c.id == build)).first()
    return _build(row) if row else None


def count_live(connection: Connection) -> dict[str, int]:
    """See `BuildQueue.lengths`."""
    live = ("queued", "running")
    found = select(builds.c.state, func.count().label("number")).where(builds.c.state.in_(live))
    rows = connection.execute(found.group_by(builds.c.state))
    return dict.fromkeys(live, 0) | {row.state: row.number for row in rows}


def list_images(connection: Connection, limit: int) -> list[KnownImage]:
    """See `BuildQueue.images`."""
    uses = (
        select(
            launches.c.artefact,
            func.count().label("launches"),
            func.max(launches.c.created).label("last_launch"),
        )
        .group_by(launches.c.artefact)
        .subquery()
    )
    rows = connection.execute(
        select(images, builds.c.repo_url, builds.c.commit, uses.c.launches, uses.c.last_launch)
        .join(builds, builds.c.id == images.c.build)
        .outerjoin(uses, uses.c.artefact == images.c.artefact)
        .order_by(images.c.made.desc())
        .limit(limit)
    )
    return [
        KnownImage(
            key=row.key,
            artefact=row.artefact,
            size=row.size,
            made=row.made,
            repo_url=row.repo_url,
            commit=row.commit,
            launches=row.launches or 0,
            last_launch=row.last_launch,
        )
        for row in rows
    ]


def list_builds(
    connection: Connection, state: str, repo_url: str, before: float | None, limit: int
) -> list[Build]:
    """See `BuildQueue.list`."""
    query = select(builds).order_by(builds.c.created.desc(), builds.c.id).limit(limit)
    if state:
        query = query.where(builds.c.state == state)
    if repo_url:
        query = query.where(builds.c.repo_url == repo_url)
    if before is not None:
        query = query.where(builds.c.created < before)
    return [_build(row) for row in connection.execute(query)]


def cancel(connection: Connection, build: str, by: str, now: float) -> Build | None:
    """See `BuildQueue.cancel`."""
    failure = {
        "cause": "cancelled",
        "message": f"The build was cancelled by {by}.",
        "advice": "Launch again to have it built.",
    }
    row = connection.execute(
        update(builds)
        .where(builds.c.id == build, builds.c.state.in_(("queued", "running")))
        .values(state="failed", finished=now, failure=json.dumps(failure), lease_until=None)
        .returning(*builds.c)
    ).first()
    if row is None:
        return None
    append_events(connection, stream(build), now, [("failed", failure["message"], failure)])
    return _build(row)


def forget(connection: Connection, build: str) -> bool:
    """See `BuildQueue.forget`. A build whose image is there stays: it says what the image is."""
    has_image = select(images.c.key).where(images.c.build == build).exists()
    gone = connection.execute(
        delete(builds).where(
            builds.c.id == build, builds.c.state.in_(("done", "failed")), ~has_image
        )
    )
    if gone.rowcount:
        connection.execute(delete(events).where(events.c.stream == stream(build)))
    return bool(gone.rowcount)


def find_or_add(
    connection: Connection, key: str, repo_url: str, ref: str, commit: str, now: float
) -> Build:
    """See `BuildQueue.enqueue`."""
    live = select(builds).where(builds.c.key == key, builds.c.state.in_(("queued", "running")))
    row = connection.execute(live).first()
    if row is None:
        values = {
            "id": secrets.token_hex(8),
            "key": key,
            "repo_url": repo_url,
            "ref": ref,
            "commit": commit,
            "state": "queued",
            "attempt": 0,
            "created": now,
        }
        try:
            with connection.begin_nested():
                connection.execute(insert(builds).values(values))
        except IntegrityError:
            pass  # Another connection was first: its build is the one.
        else:
            _tell(connection, str(values["id"]), now, "waiting", "Waiting for a builder.")
        row = connection.execute(live).one()
    return _build(row)


def claim_next(connection: Connection, worker: str, now: float, lease_until: float) -> Build | None:
    """See `BuildQueue.claim`."""
    free = or_(
        builds.c.state == "queued",
        and_(builds.c.state == "running", builds.c.lease_until < now),
    )
    next_one = select(builds.c.id).where(free).order_by(builds.c.created).limit(1).scalar_subquery()
    row = connection.execute(
        update(builds)
        .where(builds.c.id == next_one, free)
        .values(
            state="running",
            worker=worker,
            lease_until=lease_until,
            attempt=builds.c.attempt + 1,
        )
        .returning(*builds.c)
    ).first()
    if row is None:
        return None
    again = " again, because its builder was lost" if row.attempt > 1 else ""
    _tell(connection, row.id, now, "building", f"The build starts{again}.")
    return _build(row)


def give_up(connection: Connection, now: float) -> list[str]:
    """Fail builds whose workers were lost too often: they may be what kills them."""
    failure = {
        "cause": "worker-lost",
        "message": f"The builder was lost {MAX_ATTEMPTS} times while it built this.",
        "advice": "The build may need more memory or disk than a builder has; ask your help desk.",
    }
    rows = connection.execute(
        update(builds)
        .where(
            builds.c.state == "running",
            builds.c.lease_until < now,
            builds.c.attempt >= MAX_ATTEMPTS,
        )
        .values(state="failed", finished=now, failure=json.dumps(failure), lease_until=None)
        .returning(builds.c.id)
    )
    lost = [row.id for row in rows]
    for build in lost:
        append_events(connection, stream(build), now, [("failed", failure["message"], failure)])
    return lost


def renew(connection: Connection, build: str, worker: str, lease_until: float) -> None:
    """See `BuildQueue.heartbeat`."""
    _update_own(connection, build, worker, lease_until=lease_until)


def renew_and_append(
    connection: Connection,
    build: str,
    worker: str,
    now: float,
    lease_until: float,
    lines: Sequence[Line],
) -> None:
    """See `BuildQueue.report`."""
    renew(connection, build, worker, lease_until)
    if lines:
        append_events(connection, stream(build), now, lines)


def finish(
    connection: Connection, build: str, worker: str, now: float, artefact: str, size: int
) -> None:
    """See `BuildQueue.finish`."""
    row = _update_own(connection, build, worker, state="done", finished=now, lease_until=None)
    connection.execute(images.delete().where(images.c.key == row.key))
    connection.execute(
        insert(images).values(key=row.key, artefact=artefact, size=size, build=build, made=now)
    )
    _tell(connection, build, now, "built", "The environment is ready.")


def fail(
    connection: Connection, build: str, worker: str, now: float, failure: dict[str, Any]
) -> None:
    """See `BuildQueue.fail`."""
    _update_own(
        connection,
        build,
        worker,
        state="failed",
        finished=now,
        failure=json.dumps(failure),
        lease_until=None,
    )
    message = str(failure.get("message", "The build failed."))
    append_events(connection, stream(build), now, [("failed", message, failure)])


def release(connection: Connection, build: str, worker: str, now: float) -> None:
    """See `BuildQueue.release`. The try does not count: nothing went wrong."""
    _update_own(
        connection,
        build,
        worker,
        state="queued",
        worker=None,
        lease_until=None,
        attempt=builds.c.attempt - 1,
    )
    _tell(connection, build, now, "waiting", "The builder is stopping; waiting for another.")


def _update_own(connection: Connection, build: str, owner: str, /, **values: Any) -> Any:
    mine = and_(builds.c.id == build, builds.c.worker == owner, builds.c.state == "running")
    row = connection.execute(update(builds).where(mine).values(values).returning(*builds.c)).first()
    if row is None:
        raise LeaseLost(build)
    return row


def _tell(connection: Connection, build: str, now: float, phase: str, message: str) -> None:
    append_events(connection, stream(build), now, [(phase, message, {})])


def _build(row: Any) -> Build:
    values = dict(row._mapping)
    values["failure"] = json.loads(values["failure"]) if values["failure"] else None
    return Build(**values)
