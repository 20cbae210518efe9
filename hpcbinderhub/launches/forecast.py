"""When a launch would start, before anybody clicks: Slurm's own reckoning for exactly its job."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from ..errors import TooManyRequests, Unavailable, UserError
from ..profiles import Profile, find_profile
from ..site import Site
from ..slurm.cluster import Cluster
from ..slurm.pace import Pace
from ..slurm.script import sbatch_options
from ..workspaces import places
from .admission import Admission
from .options import LaunchOptions
from .presets import Selection

FRESH_SECONDS = 20.0
MOST_REMEMBERED = 200

SAMPLE = {
    "launch": "forecast",
    "artefact": "0" * 64,
    "repo_url": "",
    "ref": "",
    "commit": "0" * 40,
    "spec": "",
    "workspace": "forecast",
}
"""What of a launch does not change when Slurm could start it."""


class Forecasts:
    """Asks Slurm about choices, as the user, with the options that a launch would have."""

    def __init__(
        self,
        site: Site,
        cluster: Cluster,
        admission: Admission,
        pace: Pace,
        clock: Callable[[], float] = time.monotonic,
    ):
        self._site = site
        self._cluster = cluster
        self._admission = admission
        self._pace = pace
        self._clock = clock
        self._asking: set[str] = set()
        self._known: dict[tuple[str, ...], tuple[float, float]] = {}

    async def of(self, user: str, groups: Iterable[str], chosen: Selection) -> float:
        """Seconds that the job would wait. UserError if the site or Slurm would refuse it, or if
        the user, or everybody together, asks too often."""
        profile = find_profile(self._site.profiles, chosen.profile, groups)
        options = await self._options(user, profile, chosen)
        if profile.spawner != "batch":
            return 0.0
        known = self._known.get((user, *options))
        if known and self._clock() - known[0] < FRESH_SECONDS:
            return max(0.0, known[1] - (self._clock() - known[0]))
        if user in self._asking:
            raise TooManyRequests(
                "Slurm is being asked about another choice of yours.",
                "Ask again when it has answered.",
                retry_after=1,
            )
        self._asking.add(user)
        try:
            return await self._ask(user, options)
        finally:
            self._asking.discard(user)

    async def _ask(self, user: str, options: tuple[str, ...]) -> float:
        await self._pace.turn()
        try:
            wait = await self._cluster.wait_for(user, options)
        except Unavailable as error:
            raise UserError(
                "Slurm cannot be asked at the moment when this would start.",
                "You can launch all the same.",
                detail=str(error),
                status=503,
            ) from error
        while len(self._known) >= MOST_REMEMBERED:
            del self._known[next(iter(self._known))]
        self._known[user, *options] = (self._clock(), wait)
        return wait

    async def _options(self, user: str, profile: Profile, chosen: Selection) -> tuple[str, ...]:
        """As `sbatch` would get them for a launch."""
        member = await self._admission.member(user)
        account = profile.account(chosen.account, member.slurm_accounts, member.default_account)
        chosen = chosen.model_copy(update={"account": account})
        options = LaunchOptions.model_validate(SAMPLE | chosen.model_dump())
        where = places(self._site.workspace_root, member.account, options.launch, options.workspace)
        return sbatch_options(options, profile, profile.resources(chosen), where)
