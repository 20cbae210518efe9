"""Jobs that somebody outside of this process wants to know of, for as long as he keeps asking."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from hpcbinderhub.slurm.jobs import Owned
from hpcbinderhub.slurm.watcher import Watcher


class Leases:
    """Has each of them watched for some time after it was asked for."""

    def __init__(self, watcher: Watcher, seconds: float):
        self._watcher = watcher
        self._seconds = seconds
        self._ends: dict[Owned, asyncio.TimerHandle] = {}

    def renew(self, jobs: Iterable[Owned]) -> None:
        """From now on for the whole time."""
        loop = asyncio.get_running_loop()
        for one in jobs:
            if one in self._ends:
                self._ends[one].cancel()
            else:
                self._watcher.follow(one.job, one.owner)
            self._ends[one] = loop.call_later(self._seconds, self._end, one)

    def _end(self, one: Owned) -> None:
        del self._ends[one]
        self._watcher.forget(one.job, one.owner)
