"""Builds and images as rows, and what is said about them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from ..events import append_events


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
