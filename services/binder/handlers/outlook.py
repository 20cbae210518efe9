"""What is free on the cluster, and when a launch would start there."""

from __future__ import annotations

import time

from hpcbinderhub.launches.presets import Selection

from ..operations import operation
from ..outlook_models import AvailabilityModel, ForecastModel
from .base import LAUNCH_SCOPE, UserHandler


class AvailabilityHandler(UserHandler):
    """GET: what is free now."""

    @operation("Show what is free", scope=LAUNCH_SCOPE, answers={200: AvailabilityModel})
    async def get(self) -> None:
        """Nodes, cores and GPUs of the partitions that the caller's profiles use, at most half a
        minute old."""
        self.require(LAUNCH_SCOPE)
        names = (name for profile in self.offered() for name in profile.partition.root.values())
        self.answer(AvailabilityModel.of(await self.services.availability.now(), names))


class ForecastHandler(UserHandler):
    """POST: when a launch would start."""

    @operation(
        "Ask when a launch would start",
        scope=LAUNCH_SCOPE,
        body=Selection,
        answers={200: ForecastModel},
    )
    async def post(self) -> None:
        """By Slurm's reckoning for exactly these choices (`sbatch --test-only`); nothing is
        submitted. What Slurm would refuse is refused here in its own words. 429 if everybody
        together asks more often than once a second."""
        user = self.require(LAUNCH_SCOPE)
        chosen = self.parse(Selection)
        wait = await self.services.forecasts.of(user, self.groups, chosen)
        self.answer(ForecastModel(wait=wait, start=time.time() + wait))
