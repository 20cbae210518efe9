"""As many nodes as the work needs: Dask says how many workers, and we ask for whole nodes."""

from __future__ import annotations

import time
from typing import Any

from distributed.deploy.adaptive import Adaptive

from .choice import nodes_for
from .errors import WorkersError

PATIENCE = 60
"""Looks in a row, one a second, that find too many nodes before some are given back: each may have
waited in a queue for long, and the next cell may need it."""
MOST_AT_ONCE, SECONDS_FOR_ONE = 10, 45.0
"""A service takes a hundred requests for nodes an hour, unless its site says otherwise."""


class Pace:
    """How often more may be asked for: some times at once, then at intervals."""

    def __init__(self, now: float) -> None:
        self._left = float(MOST_AT_ONCE)
        self._at = now

    def allows(self, now: float) -> bool:
        """Whether it may be now; then it counts."""
        gained = (now - self._at) / SECONDS_FOR_ONE
        self._left, self._at = min(self._left + gained, MOST_AT_ONCE), now
        if self._left < 1:
            return False
        self._left -= 1
        return True


class NodeAdaptive(Adaptive):  # type: ignore[misc]
    """A node is given back only when none of its workers has a task."""

    def __init__(self, cluster: Any, **options: Any) -> None:
        self._fewer = 0
        self._said = ""
        self._pace = Pace(time.monotonic())
        super().__init__(cluster, **{"wait_count": PATIENCE, **options})

    async def recommendations(self, target: int) -> dict[str, Any]:
        """By how many nodes there are and shall be. Fewer must be wanted some times in a row."""
        crew = self.cluster.crew
        nodes, have = self._nodes(target), len(crew.alive())
        self._fewer = self._fewer + 1 if nodes < have else 0
        if nodes > have and self._pace.allows(time.monotonic()):
            return {"status": "up", "n": nodes}
        if self._fewer >= self.wait_count:
            return {"status": "down", "workers": nodes}
        return {"status": "same"}

    async def scale_up(self, n: int) -> None:
        """To so many nodes."""
        await self._scale(n, idle_only=False)

    async def scale_down(self, workers: int) -> None:
        """To so many nodes, if so many of the others are idle."""
        await self._scale(workers, idle_only=True)

    def _nodes(self, workers: float) -> int:
        crew = self.cluster.crew
        nodes = nodes_for(crew, workers)
        if nodes * crew.per_node > self.maximum:
            # At most means at most, unless that is less than a node, or than at least.
            nodes = max(int(self.maximum // crew.per_node), nodes_for(crew, self.minimum), 1)
        return min(nodes, crew.max_nodes) if crew.max_nodes else nodes

    async def _scale(self, nodes: int, idle_only: bool) -> None:
        if self.cluster._adaptive is not self:
            # While the scheduler was asked, somebody has said how many.
            return
        try:
            await self.cluster.scaling.to_nodes(nodes, idle_only)
        except WorkersError as error:
            # It is tried again a second later; the user needs to read it once.
            if str(error) != self._said:
                self._said = str(error)
                self.cluster.say(self._said)
