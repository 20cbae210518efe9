"""What is free on the cluster now, asked for once for everybody who looks."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import Unavailable, UserError

FRESH_SECONDS = 30.0


@dataclass(frozen=True)
class FreeGPUs:
    """GPUs of one type; `kind` is empty where Slurm gives them none."""

    kind: str
    total: int
    free: int


@dataclass(frozen=True)
class Partition:
    """A partition's nodes, cores and GPUs: what there is, and what is free."""

    name: str
    state: str
    nodes: int
    idle: int
    down: int
    held: int
    """In a reservation, so not for everybody."""
    cpus: int
    cpus_free: int
    gpus: tuple[FreeGPUs, ...]

    def in_words(self) -> str:
        """What a user wants to know of it before she chooses."""
        if self.state != "up":
            return f"This partition starts no jobs at the moment (Slurm says: {self.state})."
        if self.nodes and self.down == self.nodes:
            every = "Its only node is" if self.nodes == 1 else "All its nodes are"
            return f"{every} down or drained."
        facts = [
            f"{_number(self.idle, 'node')} idle",
            f"{self.cpus_free} of {_number(self.cpus, 'core')} free",
            *(f"{one.free} of {one.total} {one.kind or 'GPUs'} free" for one in self.gpus),
        ]
        if self.down:
            facts.append(f"{_number(self.down, 'node')} down or drained")
        if self.held:
            facts.append(f"{_number(self.held, 'node')} reserved")
        return f"{', '.join(facts)}."


@dataclass(frozen=True)
class Seen:
    """Partitions by their names, and how many seconds ago Slurm said so."""

    partitions: Mapping[str, Partition]
    age: float


class Availability:
    """Remembers an answer for half a minute; who asks meanwhile, or while another one is being
    waited for, gets the same."""

    def __init__(
        self,
        ask: Callable[[], Awaitable[list[Partition]]],
        clock: Callable[[], float] = time.monotonic,
    ):
        self._ask = ask
        self._clock = clock
        self._asking = asyncio.Lock()
        self._partitions: dict[str, Partition] = {}
        self._asked = -math.inf
        self._trouble: Unavailable | UserError | None = None

    async def now(self) -> Seen:
        """What is free. Unavailable if Slurm does not answer, however old the last answer is: an
        old one would say that nodes are free which are not."""
        async with self._asking:
            if self._clock() - self._asked >= FRESH_SECONDS:
                await self._look()
            if self._trouble:
                raise self._trouble
            return Seen(self._partitions, self._clock() - self._asked)

    async def _look(self) -> None:
        """No answer is remembered as well: a controller in trouble is not asked by every page."""
        self._asked, self._trouble = self._clock(), None
        try:
            self._partitions = {one.name: one for one in await self._ask()}
        except (Unavailable, UserError) as error:
            self._trouble = error


def partition_from(row: Mapping[str, Any]) -> Partition:
    """A partition from the agent's row."""
    gpus = row["gpus"]
    kinds = tuple(FreeGPUs(kind, gpus[kind]["total"], gpus[kind]["free"]) for kind in sorted(gpus))
    return Partition(**{**row, "gpus": kinds})


def _number(many: int, of: str) -> str:
    return f"{many} {of}{'' if many == 1 else 's'}"
