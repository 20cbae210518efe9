"""What `Workers` asks of whoever submits: the hub's service, or Slurm itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from .crew import Crew, Keys, Offer


class Crews(Protocol):
    """The crews of one server. Every method raises `WorkersError` with a sentence that says what
    is wrong, and `Unreachable` if it may be over in a moment."""

    async def create(self, request: Mapping[str, Any]) -> tuple[Crew, Keys]:
        """A new crew, whose submission may still be under way."""

    async def offer(self) -> Offer:
        """What there is, and what may be asked for."""

    async def state(self, crew: str, after: int, wait: float) -> Crew:
        """As soon as it is newer than version `after`, or when `wait` seconds are over."""

    async def keys(self, crew: str) -> Keys:
        """For a kernel that attaches to what another one made."""

    async def change(self, crew: str, **what: Any) -> Crew:
        """`scheduler`, `nodes`, `workers` or `drop`; to say the same twice changes nothing more."""

    async def log(self, crew: str, node: str) -> str:
        """The end of what a node has printed, also of one that never had a worker."""

    async def close(self, crew: str, why: str) -> Crew | None:
        """End all of it; None if it is gone already."""
