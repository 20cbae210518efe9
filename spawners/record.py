"""What a spawner must remember of its job so that a killed hub finds it again.

It is kept in the hub's database, as the spawner's state. Nothing in it opens a door by itself but
the server's own token, which JupyterHub would otherwise keep only in memory, and the hub's key to
the server: `seal.py` closes both.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.orm import object_session

from hpcbinderhub.hop.keys import HopKeys


class JobRecord(BaseModel):
    """One launch's job, from before it is submitted until it has ended."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    launch: str
    directory: str
    intended: int
    """When the submission was decided, in the hub's clock: an older job is not ours."""

    server: str = ""
    """What the user calls the server."""

    waiting_since: int = 0
    """When it came into the queue, in the hub's clock."""

    id: str = ""
    ticket_digest: str = ""
    claimed_by: str = ""
    """The digest of what the run that has claimed calls itself."""

    node: str = ""
    """Where it ran when it claimed, in the words of Slurm alone."""

    started: int = 0
    """When it had started then, in Slurm's clock: one that was put back starts again."""

    token: str = ""
    """The API token that was handed out. A hub that starts anew goes on using it."""

    url: str = ""
    """Where the server answers; empty until it has said that it does."""

    ending: str = ""
    """Why the server said that it was about to end by itself, in the hub's words."""

    exit_code: int | None = None
    """What the notebook ended with that it ran by itself."""

    hop: HopKeys = Field(default_factory=HopKeys.new)
    hop_port: int = 0
    """Where the proxy finds it on the hub's host: a hub that starts anew listens there again."""

    def matches(self, ticket: str) -> bool:
        """Whether this is the launch's ticket."""
        return hmac.compare_digest(self.ticket_digest, digest(ticket))

    def may_claim(self, claimant: str) -> bool:
        """Whether nobody has claimed, or this one has."""
        return not self.claimed_by or hmac.compare_digest(self.claimed_by, digest(claimant))


def digest(secret: str) -> str:
    """What a secret is known again by."""
    return hashlib.sha256(secret.encode()).hexdigest()


def commit_state(orm_spawner: Any, state: dict[str, Any]) -> None:
    """Write a spawner's state into the hub's database now, not when JupyterHub next does."""
    orm_spawner.state = state
    session = object_session(orm_spawner)
    assert session is not None
    session.commit()
