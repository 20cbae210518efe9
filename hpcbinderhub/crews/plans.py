"""How a batch is run: made anew from its crew's record and the site, whenever it is needed."""

from __future__ import annotations

from ..errors import NotFound
from ..launches.conductor import launch_options
from ..launches.records import LaunchBook
from ..profiles import Profile
from ..site import Site
from ..slurm.cluster import Cluster
from .batch import BatchPlan, batch_plan
from .records import Crew


class Plans:
    """Of one site."""

    def __init__(self, site: Site, launches: LaunchBook, cluster: Cluster):
        self._site = site
        self._launches = launches
        self._cluster = cluster

    async def of(self, crew: Crew, batch: str) -> BatchPlan:
        """The plan of a batch, or a sentence that says why there is none any more."""
        launch = await self._launches.get(crew.launch)
        if launch is None:
            raise NotFound("The launch of these workers is gone.", "Launch again.")
        chosen = {name: getattr(crew.choices, name) for name in type(crew.choices).model_fields}
        options = launch_options(launch).model_copy(update=chosen)
        member = await self._cluster.member(crew.user)
        return batch_plan(options, self._profile(crew), member, self._site, batch)

    def _profile(self, crew: Crew) -> Profile:
        found: Profile | None = next(
            (p for p in self._site.profiles if p.name == crew.profile), None
        )
        if found is None:
            raise NotFound(
                f"This site has no profile “{crew.profile}” any more.", "Choose another one."
            )
        return found


def claim_url(profile: Profile, site: Site, batch: str) -> str:
    """Where a batch's nodes exchange their ticket."""
    hub = profile.hub_url(site.public_url)
    return f"{hub}/services/binder/api/crews/claims/{batch}"
