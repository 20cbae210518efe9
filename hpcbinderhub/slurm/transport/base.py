"""What every way to the agent offers, and how patient each is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, BinaryIO, Protocol


class Transport(Protocol):
    """Runs one agent request as one user."""

    async def call(
        self, user: str, request: dict[str, Any], data: BinaryIO | None = None, host: str = ""
    ) -> dict[str, Any]:
        """The agent's answer; what it sends beside that goes to `data`. AgentError if it refuses,
        Unavailable if nothing is known. With `host`, on that login node and no other."""
        ...


@dataclass(frozen=True)
class Patience:
    """How long what is waited for, in seconds."""

    reach: float = 3
    """Until a host takes the connection: short, since another one may."""
    login: float = 12
    """Until it has checked who we are."""
    answer: float = 120
    """Until the agent says something, the first time and each time after."""
    alive: float = 15
    """Between two looks whether a connection is still there; three without an answer end it."""
    idle: float = 120
    """Until a connection that nobody uses is closed."""
    life: float = 900
    """Until a connection gets no more work, so that who may no longer log in is out."""
    trouble: float = 60
    """How long a host that could not be used is tried last."""
