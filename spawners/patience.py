"""How long a start may take: in the queue, and on its node. Each has a limit of its own."""

from __future__ import annotations

from collections.abc import Callable

from hpcbinderhub.profiles import Profile
from hpcbinderhub.slurm.jobs import Stage
from hpcbinderhub.slurm.watcher import Sight


class Patience:
    """Counts a start's time. On a node, only that counts in which the job is known to run: not
    while it is suspended, and not while Slurm is silent, since no job is let in then."""

    def __init__(self, profile: Profile, clock: Callable[[], float], wall: Callable[[], float]):
        self._queue_seconds = (profile.queue_minutes or 0) * 60
        self._startup_seconds = profile.startup_seconds
        self._clock = clock
        self._wall = wall
        self._ran = 0.0
        self._looked = clock()
        self._counts = False

    def saw(self, sight: Sight) -> None:
        """How the job is now."""
        now = self._clock()
        if self._counts:
            self._ran += now - self._looked
        job = sight.job
        runs = job is not None and job.stage is Stage.RUNNING and not job.halted
        self._counts = runs and not sight.unknown
        self._looked = now

    def is_over_on_node(self) -> bool:
        """Whether it has run for too long without an answer from the server."""
        return self._ran > self._startup_seconds

    def is_over_in_queue(self, sight: Sight, since: int) -> bool:
        """Whether it has waited for too long since then."""
        job = sight.job
        waits = job is not None and job.stage is Stage.PENDING and not sight.unknown
        return waits and 0 < self._queue_seconds < self._wall() - since
