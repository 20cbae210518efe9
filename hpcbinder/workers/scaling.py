"""How many nodes a set of workers has: more are asked for, and those go that do least."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any

from distributed.core import Status
from distributed.deploy.cluster import Cluster

from . import choice
from .adaptive import NodeAdaptive

if TYPE_CHECKING:
    from .cluster import CrewCluster
    from .workers import Workers


class Scaling:
    """Of one set of workers. The service submits and cancels; which nodes are idle, Dask knows."""

    def __init__(self, workers: CrewCluster) -> None:
        self._workers = workers
        self.limits: tuple[int, float] | None = None
        """Between which numbers of workers it adapts, if it does."""

    def begin(self) -> None:
        """Called in the event loop, as soon as there is a scheduler."""
        self._turns = asyncio.Lock()
        if self.limits:
            self.adapt(*self.limits)

    def adapt(self, minimum: int = 0, maximum: float = float("inf"), **options: Any) -> Any:
        """Have as many as the work needs, by whole nodes."""
        self.limits = (minimum, maximum)
        if self._workers.status == Status.created:
            # It begins when these workers do.
            return None
        # Dask keeps what adapts, and stops it when the workers close.
        return Cluster.adapt(
            self._workers, NodeAdaptive, minimum=minimum, maximum=maximum, **options
        )

    def stop_adapting(self) -> None:
        """From now on, somebody says how many."""
        if self._workers._adaptive is not None:
            self._workers._adaptive.stop()
            self._workers._adaptive = None
        self.limits = None

    async def to_workers(self, workers: int) -> None:
        """Have so many, or what whole nodes have beyond that."""
        async with self._turns:
            await self._workers._change(workers=workers)
            await self._shrink(workers, idle_only=False)

    async def to_nodes(self, nodes: int, idle_only: bool = False) -> None:
        """Have so many nodes; what is busy stays if `idle_only`."""
        async with self._turns:
            await self._workers._change(nodes=nodes)
            await self._shrink(nodes * self._workers.crew.per_node, idle_only)

    async def _shrink(self, workers: int, idle_only: bool) -> None:
        """The service has cancelled what waited; of the others, those go that do least."""
        crew = self._workers.crew
        drop = choice.surplus(crew, workers, await self._loads(), idle_only)
        if drop:
            await self._retire(drop)
            await self._workers._change(drop=drop)

    async def _loads(self) -> dict[str, int]:
        processing = await self._workers.scheduler_comm.processing()
        named = {name: processing.get(at, ()) for name, at in self._addresses().items()}
        return choice.loads(self._workers.crew, named)

    async def _retire(self, nodes: Collection[str]) -> None:
        """Their results move elsewhere before they go."""
        gone = [at for name, at in self._addresses().items() if choice.node_of(name) in nodes]
        if gone:
            await self._workers.scheduler_comm.retire_workers(
                workers=gone, remove=True, close_workers=True
            )

    def _addresses(self) -> dict[str, str]:
        workers = self._workers.scheduler_info["workers"]
        return {str(worker["name"]): address for address, worker in workers.items()}


class Adapt:
    """`Workers.adapt(8, 64)` makes workers, and `workers.adapt(8, 64)` is Dask's."""

    def __get__(self, workers: Workers | None, kind: type[Workers]) -> Callable[..., Any]:
        return functools.partial(_making, kind) if workers is None else workers.scaling.adapt


def _making(
    kind: type[Workers], minimum: int = 0, maximum: float = float("inf"), **options: Any
) -> Workers:
    """Between so many and so many workers, as the work needs."""
    workers = kind(minimum, **options)
    workers.adapt(minimum, maximum)
    return workers
