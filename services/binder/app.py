"""The process: puts the library together, serves it, and goes on where the last one stopped."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tornado.httpserver import HTTPServer
from tornado.log import access_log
from tornado.web import Application as WebApplication
from tornado.web import RequestHandler
from traitlets import Unicode
from traitlets.config import Application

from hpcbinderhub.builds.contexts import Contexts
from hpcbinderhub.builds.environments import Environments
from hpcbinderhub.builds.jobs.dispatcher import Dispatcher
from hpcbinderhub.builds.queue import BuildQueue
from hpcbinderhub.builds.retention import Retention
from hpcbinderhub.builds.second_try import SecondTry
from hpcbinderhub.builds.sightings import Sightings
from hpcbinderhub.credentials.keyring import Keyring
from hpcbinderhub.credentials.store import Credentials
from hpcbinderhub.database import Database
from hpcbinderhub.errors import UserError
from hpcbinderhub.events import EventLog
from hpcbinderhub.health import (
    Health,
    builders_come,
    cluster_answers,
    database_answers,
    hub_answers,
    registry_takes,
    room_in,
    workers_live,
)
from hpcbinderhub.launches.admission import Admission
from hpcbinderhub.launches.conductor import Conductor
from hpcbinderhub.launches.content import ContentStore
from hpcbinderhub.launches.expiry import Expiry
from hpcbinderhub.launches.hub import Hub
from hpcbinderhub.launches.parts import PartsStore
from hpcbinderhub.launches.presence import Presence
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
from hpcbinderhub.repos.room import CacheRoom
from hpcbinderhub.repos.web import Web
from hpcbinderhub.repos.whole import WholeTrees
from hpcbinderhub.site import Site, load_site
from hpcbinderhub.slurm.cluster import Cluster, cluster_of
from hpcbinderhub.store.catalogue import Catalogue
from hpcbinderhub.store.collector import COLLECT_SECONDS, Collector
from hpcbinderhub.store.copies import Copies
from hpcbinderhub.store.publishing import EVERY_SECONDS as PUBLISH_SECONDS
from hpcbinderhub.store.publishing import Publishing
from hpcbinderhub.store.uses import Uses
from hpcbinderhub.trust.consents import Consents
from hpcbinderhub.trust.grounds import Trust
from hpcbinderhub.upkeep import Task, Upkeep

from .farewell import Farewell
from .followers import Followers
from .handlers import routes
from .metrics import Metrics
from .templates import template_environment

log = logging.getLogger(__name__)

MAX_BODY = 16 * 2**20
"""What anybody may have us hold: as much as a worker's longest report."""
PARENT_CHECK_SECONDS = 1.0
TIDY_SECONDS = 60.0
GRACE_SECONDS = 5.0


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
    conductor: Conductor
    workspaces: Workspaces
    catalogue: Catalogue
    copies: Copies
    workers: Sightings
    limiter: RateLimiter
    followers: Followers
    health: Health
    metrics: Metrics
    builders: Dispatcher
    upkeep: Upkeep
    farewell: Farewell


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
    collector = Collector(site, database, catalogue, uses)
    copies = Copies(site, database, cluster)
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
        copies=copies,
        workers=workers,
        limiter=RateLimiter(site.request_limit, site.request_limit_seconds),
        followers=Followers(site.streams_per_user),
        health=Health(
            [
                database_answers(database),
                hub_answers(hub),
                room_in("Artefact store", site.artefacts, site.free_disk_mb, os.R_OK | os.X_OK),
                room_in("State directory", state, site.free_disk_mb, os.W_OK | os.X_OK),
                builders_come(builders) if builders.wanted else workers_live(workers),
                cluster_answers(hub),
                *([registry_takes(publishing)] if site.image_registry else []),
            ]
        ),
        metrics=Metrics(database),
        builders=builders,
        upkeep=upkeep_of(
            site,
            database,
            events,
            queue,
            builders,
            book,
            collector,
            copies,
            publishing,
            repositories,
            pushed,
            content,
        ),
        farewell=Farewell(),
    )


def upkeep_of(
    site: Site,
    database: Database,
    events: EventLog,
    queue: BuildQueue,
    builders: Dispatcher,
    book: LaunchBook,
    collector: Collector,
    copies: Copies,
    publishing: Publishing,
    repositories: Repositories,
    pushed: Pushed,
    content: ContentStore,
) -> Upkeep:
    """What the service does unasked."""
    expiry = Expiry(
        database, book, events, parked_hours=site.parked_hours, record_days=site.record_days
    )
    room = CacheRoom(repositories.git, site.git_cache_mb * MIB)
    publish = Task("images in the registry", publishing.work, PUBLISH_SECONDS)
    return Upkeep(
        [
            Task("lost builders", queue.reconcile, min(site.lease_seconds / 3, 5.0)),
            Task("builders' jobs", builders.tend, site.watch_seconds),
            Task("logs", Retention(database, site.log_days).tidy, TIDY_SECONDS),
            Task("launches", expiry.tidy, TIDY_SECONDS),
            Task("the artefact store", collector.collect, COLLECT_SECONDS),
            Task("copies of images", copies.tidy, TIDY_SECONDS),
            *([publish] if site.image_registry else []),
            Task("pushed repositories", pushed.tidy, TIDY_SECONDS),
            Task("copies of repositories", room.tidy, TIDY_SECONDS),
            Task("files for launches", content.tidy, TIDY_SECONDS),
        ]
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


class BinderService(Application):
    """The hub-managed service."""

    name = "hpcbinderhub-service"
    description = "The web service of HPC BinderHub. JupyterHub starts it."

    config_dir = Unicode(
        "/etc/jupyterhub/jupyterhub_config.d",
        config=True,
        help="The directory with the site's configuration files.",
    )
    aliases = {"config": "BinderService.config_dir"}

    def start(self) -> None:
        """Serve until told to stop, or until the hub that started us is gone."""
        logging.basicConfig(
            level=logging.INFO, format="[%(levelname)s %(asctime)s %(name)s] %(message)s"
        )
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        site = load_site(self.config_dir)
        services = assemble(
            site, os.environ["JUPYTERHUB_API_URL"], os.environ["JUPYTERHUB_API_TOKEN"]
        )
        address = urlsplit(os.environ["JUPYTERHUB_SERVICE_URL"])
        server = make_server(services)
        server.listen(address.port or 80, address.hostname or "127.0.0.1")
        await _rotate(services.credentials)
        await services.conductor.resume()
        services.upkeep.start()
        await _told_to_stop()
        await stop(server, services)


async def stop(server: HTTPServer, services: Services) -> None:
    """Take no more requests, let those that are under way end, and leave the records as they are:
    workers and pages come back to the next service and go on."""
    server.stop()
    services.queue.stop_waiting()
    await services.farewell.say(GRACE_SECONDS)
    await services.upkeep.close()
    await services.conductor.close()
    await services.parts.close()
    await server.close_all_connections()
    await services.database.close()


def make_server(services: Services) -> HTTPServer:
    """The server over assembled services."""
    return HTTPServer(make_web_application(services), xheaders=True, max_body_size=MAX_BODY)


def make_web_application(services: Services, **settings: Any) -> WebApplication:
    """The web application over assembled services."""
    prefix = os.environ.get("JUPYTERHUB_SERVICE_PREFIX", "/services/binder/")
    return WebApplication(
        routes(prefix, services.site.title),
        services=services,
        templates=template_environment(),
        prefix=prefix,
        hub_base_url=os.environ.get("JUPYTERHUB_BASE_URL", "/") + "hub/",
        cookie_secret=os.urandom(32),
        log_function=partial(log_request, services.metrics),
        **settings,
    )


def log_request(metrics: Metrics, handler: RequestHandler) -> None:
    """Count an answered request, and log what went wrong. What went well is many lines."""
    metrics.answered(handler)
    if handler.get_status() >= 400:
        log = access_log.warning if handler.get_status() < 500 else access_log.error
        request = handler.request
        log("%d %s %s", handler.get_status(), request.method, request.path)


async def _rotate(credentials: Credentials) -> None:
    """A file of keys that cannot be used keeps private repositories closed, and nothing else."""
    try:
        await credentials.rotate()
    except UserError as error:
        log.warning("%s", error)


async def _told_to_stop() -> None:
    """Return on SIGTERM or SIGINT, or when the hub was killed: its successor starts another of us,
    which needs the port, and our token is worth nothing any more."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    parent = os.getppid()
    while not stopped.is_set() and os.getppid() == parent:
        try:
            async with asyncio.timeout(PARENT_CHECK_SECONDS):
                await stopped.wait()
        except TimeoutError:
            continue
    if not stopped.is_set():
        sys.stderr.write("The hub is gone; its next start brings a new service.\n")
