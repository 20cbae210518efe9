"""What the hub says of how long a server may run, on its way from the claim into the server.

Moments are of this node's monotonic clock, which all its processes share: the hub gives durations,
so whatever its own clock and the node's say does not matter.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

VARIABLE = "HPCBINDER_SESSION"
WARN_SECONDS = 120


class Terms(NamedTuple):
    """How long a server may run, and where the hub is asked about it."""

    ends: float | None
    """When Slurm ends the job; None if it does not say."""
    warn_seconds: int
    """How long before that everything is saved."""
    idle_minutes: float | None
    """How long nothing may run; None if that does not matter."""
    extend_minutes: int
    """The most by which the owner may extend it; 0 if she may not."""
    url: str
    """The hub's address for this server's session; empty if it has none."""
    page: str
    """Where its owner starts it again."""

    def variable(self) -> str:
        """As text for the server's environment. There is no secret in it."""
        return json.dumps(self._asdict())


def from_claim(found: object, now: float) -> Terms | None:
    """The hub's words, `now` being when they came. None if there are none, or none that are
    understood: a server starts all the same."""
    if not isinstance(found, dict):
        return None
    try:
        left = _number(found.get("left"))
        return _terms(found, None if left is None else now + left)
    except (TypeError, ValueError):
        return None


def from_environment(environ: Mapping[str, str]) -> Terms | None:
    """What the start command left for the server."""
    try:
        found = json.loads(environ.get(VARIABLE, "null"))
        return _terms(found, _number(found.get("ends"))) if isinstance(found, dict) else None
    except (TypeError, ValueError):
        return None


def _terms(found: Mapping[str, Any], ends: float | None) -> Terms:
    return Terms(
        ends=ends,
        warn_seconds=int(found.get("warn_seconds", WARN_SECONDS)),
        idle_minutes=_number(found.get("idle_minutes")),
        extend_minutes=int(found.get("extend_minutes") or 0),
        url=str(found.get("url") or ""),
        page=str(found.get("page") or ""),
    )


def _number(value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError("a number expected")
    return float(value)
