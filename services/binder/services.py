"""The library, put together for one site."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from hpcbinderhub.builds.contexts import Contexts
from hpcbinderhub.builds.environments import Environments
from hpcbinderhub.builds.jobs.dispatcher import Dispatcher
from hpcbinderhub.builds.queue import BuildQueue
from hpcbinderhub.builds.second_try import SecondTry
from hpcbinderhub.builds.sightings import Sightings
from hpcbinderhub.credentials.keyring import Keyring
from hpcbinderhub.credentials.store import Credentials
from hpcbinderhub.crews.crews import Crews
from hpcbinderhub.database import Database
from hpcbinderhub.events import EventLog
from hpcbinderhub.health import (
    Health,
)
from hpcbinderhub.launches.admission import Admission
from hpcbinderhub.launches.conductor import Conductor
from hpcbinderhub.launches.content import ContentStore
from hpcbinderhub.launches.forecast import Forecasts
from hpcbinderhub.launches.hub import Hub
from hpcbinderhub.launches.parts import PartsStore
from hpcbinderhub.launches.presence import Presence
from hpcbinderhub.launches.presets import Presets
from hpcbinderhub.launches.records import LaunchBook
from hpcbinderhub.launches.workspaces import Workspaces
from hpcbinderhub.ratelimit import RateLimiter
from hpcbinderhub.repos.access import Access
from hpcbinderhub.repos.forges import Forges
from hpcbinderhub.repos.git import GitCache
from hpcbinderhub.repos.guard import Guard
from hpcbinderhub.repos.lfs import Lfs
from hpcbinderhub.repos.oci_images import OciImages
from hpcbinderhub.repos.on_storage import OnStorage
from hpcbinderhub.repos.pushed import MIB, Pushed, PushLimits
from hpcbinderhub.repos.records.records import Records
from hpcbinderhub.repos.repositories import Repositories
from hpcbinderhub.repos.web import Web
from hpcbinderhub.repos.whole import WholeTrees
from hpcbinderhub.site import Site
from hpcbinderhub.slurm.availability import Availability
from hpcbinderhub.slurm.cluster import Cluster, cluster_of
from hpcbinderhub.slurm.pace import Pace
from hpcbinderhub.store.catalogue import Catalogue
from hpcbinderhub.store.collector import Collector
from hpcbinderhub.store.copies import Copies
from hpcbinderhub.store.publishing import Publishing
from hpcbinderhub.store.uses import Uses
from hpcbinderhub.trust.consents import Consents
from hpcbinderhub.trust.grounds import Trust
from hpcbinderhub.upkeep import Upkeep

from .farewell import Farewell
from .followers import Followers
from .health import health_of
from .metrics import Metrics
from .upkeep import upkeep_of

FORECAST_SECONDS = 1.0
"""Between two questions to Slurm's scheduler when something would start."""
FORECAST_PATIENCE = 5.0


@dataclass(frozen=True)
class Services:
    """What the handlers call."""

    site: Site
    database: Database
    events: EventLog
    queue: BuildQueue
    book: LaunchBook
    repositories: Repositories
    pushed: Pushed
    content: ContentStore
    parts: PartsStore
    credentials: Credentials
    consents: Consents
    trust: Trust
    cluster: Cluster
    hub: Hub
    presence: Presence
    contexts: Contexts
    second_try: SecondTry
    environments: Environments
    admission: Admission
    availability: Availability
    forecasts: Forecasts
    presets: Presets
    conductor: Conductor
    workspaces: Workspaces
    catalogue: Catalogue
    collector: Collector
    copies: Copies
    publishing: Publishing
    workers: Sightings
    crews: Crews
    limiter: RateLimiter
    crew_limiter: RateLimiter
    followers: Followers
    metrics: Metrics
    builders: Dispatcher
    farewell: Farewell

    @cached_property
    def health(self) -> Health:
        """Whether all of it works."""
        return health_of(self)

    @cached_property
    def upkeep(self) -> Upkeep:
        """What the service does unasked."""
        return upkeep_of(self)


def assemble(site: Site, api_url: str, api_token: str, cluster: Cluster | None = None) -> Services:
    """The library, put together for one site, with its own cluster unless another is given."""
    state = Path(site.state_dir)
    for directory in (state, state / "repos", state / "content"):
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    database = Database(site.database_url)
    database.upgrade()
    events = EventLog(database)
    queue = BuildQueue(database, events, site.lease_seconds, site.queue_limits)
    book = LaunchBook(database)
    credentials = Credentials(
        database, Keyring(site.credential_keys_file), site.credential_http_hosts
    )
    consents = Consents(database)
    trust = Trust(site, consents)
    cluster = cluster or cluster_of(site)
    repositories, pushed, lfs = _repositories(site, state / "repos", database, credentials, cluster)
    whole = WholeTrees(repositories.git, lfs, site.lfs_mb * MIB)
    content = ContentStore(repositories, whole, state / "content")
    parts = PartsStore(content, repositories, lfs, site.lfs_mb * MIB, state / "content")
    hub = Hub(api_url, api_token)
    presence = Presence(site.away_seconds)
    admission = Admission(site, cluster, hub, trust)
    access = Access(repositories, credentials)
    contexts = Contexts(site, repositories)
    second_try = SecondTry(queue, contexts)
    environments = Environments(site, queue, repositories, access, cluster, contexts, second_try)
    workers = Sightings()
    builders = Dispatcher(site, queue, cluster, workers)
    uses = Uses(site.artefacts_grace_days, database, hub)
    catalogue = Catalogue(database, uses)
    publishing = Publishing(site, database)
    return Services(
        site=site,
        database=database,
        events=events,
        queue=queue,
        book=book,
        repositories=repositories,
        pushed=pushed,
        content=content,
        parts=parts,
        credentials=credentials,
        consents=consents,
        trust=trust,
        cluster=cluster,
        hub=hub,
        presence=presence,
        contexts=contexts,
        second_try=second_try,
        environments=environments,
        admission=admission,
        availability=Availability(cluster.partitions),
        forecasts=Forecasts(site, cluster, admission, Pace(FORECAST_SECONDS, FORECAST_PATIENCE)),
        presets=Presets(database),
        conductor=Conductor(
            site,
            book,
            events,
            queue,
            environments,
            admission,
            hub,
            presence,
            trust,
            publishing,
            parts,
        ),
        workspaces=Workspaces(site, book, cluster, hub, repositories, access),
        catalogue=catalogue,
        collector=Collector(site, database, catalogue, uses),
        copies=Copies(site, database, cluster),
        publishing=publishing,
        workers=workers,
        crews=Crews(site, database, events, book, cluster, hub, admission, trust, publishing),
        limiter=RateLimiter(site.request_limit, site.request_limit_seconds),
        crew_limiter=RateLimiter(site.request_limit, site.request_limit_seconds),
        followers=Followers(site.streams_per_user),
        metrics=Metrics(database),
        builders=builders,
        farewell=Farewell(),
    )


def _repositories(
    site: Site, directory: Path, database: Database, credentials: Credentials, cluster: Cluster
) -> tuple[Repositories, Pushed, Lfs]:
    """Where repositories come from. Forges' APIs are no sources, so the list of hosts is not about
    them."""
    guard = Guard(site.repository_hosts, site.denied_repository_hosts, site.private_networks)
    git = GitCache(directory, site.git_timeout, guard, credentials.for_url)
    records = Records(git, Web(guard), site.record_mb * MIB)
    forges = Forges(Web(Guard(private=site.private_networks)), site.forge_token_files)
    limits = PushLimits(site.push_mb * MIB, site.pushed_mb_per_user * MIB, site.pushed_days)
    pushed = Pushed(database, git, limits)
    on_storage = OnStorage(git, cluster, site.repository_paths)
    images = OciImages(git, site.launched_registries)
    repositories = Repositories(git, forges, records, places=(pushed, on_storage, images))
    return repositories, pushed, Lfs(Web(guard))
