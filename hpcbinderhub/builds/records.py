"""Builds and images as rows, and what is said about them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from sqlalchemy import Connection

from ..events import append_events

PAUSED = "paused"
"""The name of the notice that keeps builds from being claimed."""

OUTDATED = "outdated"
"""The cause of a failure: nothing is built by this recipe any more, but its commit can be."""
INSTEAD = "instead"
"""In a failure, the build that was asked for in its place."""


class Priority(IntEnum):
    """What goes first, whoever's turn it is: the lowest."""

    NEXT = 0
    """An admin wants it next."""
    AWAITED = 10
    """Somebody waits."""
    AHEAD = 20
    """Built ahead of need: nobody waits."""


@dataclass(frozen=True)
class Reader:
    """A user who alone may read a repository."""

    user: str
    uid: int


@dataclass(frozen=True)
class Order:
    """A recipe that somebody wants built."""

    key: str
    repo_url: str
    ref: str
    commit: str
    asker: str = ""
    priority: Priority = Priority.AWAITED
    reader: Reader | None = None
    locked_to: str | None = None
    """The build whose record it is held to."""


@dataclass(frozen=True)
class QueueLimits:
    """How many builds may wait or run at a time; 0 is no limit."""

    in_total: int = 0
    per_user: int = 0
    per_repository: int = 0
    running_per_user: int = 0


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
    asker: str
    priority: int
    turn: int
    not_before: float
    started: float | None
    reader: str | None
    """The one user whose build this is: its repository is not everybody's to read."""
    reader_uid: int | None
    locked_to: str | None
    """The build whose record this one is held to."""

    def seen_by(self, user: str | None) -> bool:
        """Whether this user may know of it; None sees all."""
        return user is None or self.reader in (None, user)


@dataclass(frozen=True)
class Image:
    """What a recipe key was built into."""

    key: str
    artefact: str
    size: int


class LeaseLost(Exception):
    """The build is no longer this worker's."""


def stream(build: str) -> str:
    """The name of a build's event stream."""
    return f"build:{build}"


def build_from(row: Any) -> Build:
    """A build, from its row."""
    values = dict(row._mapping)
    values["failure"] = json.loads(values["failure"]) if values["failure"] else None
    return Build(**values)


def tell(connection: Connection, build: str, now: float, phase: str, message: str) -> None:
    """Add an event to a build."""
    append_events(connection, stream(build), now, [(phase, message, {})])
