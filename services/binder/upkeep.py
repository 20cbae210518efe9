"""What the service does unasked, and how often."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hpcbinderhub.builds.retention import Retention
from hpcbinderhub.launches.expiry import Expiry
from hpcbinderhub.repos.pushed import MIB
from hpcbinderhub.repos.room import CacheRoom
from hpcbinderhub.store.collector import COLLECT_SECONDS
from hpcbinderhub.store.publishing import EVERY_SECONDS as PUBLISH_SECONDS
from hpcbinderhub.upkeep import Task, Upkeep

if TYPE_CHECKING:
    from .services import Services

TIDY_SECONDS = 60.0


def upkeep_of(services: Services) -> Upkeep:
    """The tasks of one site."""
    site, database = services.site, services.database
    expiry = Expiry(
        database,
        services.book,
        services.events,
        parked_hours=site.parked_hours,
        record_days=site.record_days,
    )
    room = CacheRoom(services.repositories.git, site.git_cache_mb * MIB)
    publish = Task("images in the registry", services.publishing.work, PUBLISH_SECONDS)
    return Upkeep(
        [
            Task("lost builders", services.queue.reconcile, min(site.lease_seconds / 3, 5.0)),
            Task("builders' jobs", services.builders.tend, site.watch_seconds),
            Task("logs", Retention(database, site.log_days).tidy, TIDY_SECONDS),
            Task("launches", expiry.tidy, TIDY_SECONDS),
            Task("crews", services.crews.tidy, TIDY_SECONDS),
            Task("the artefact store", services.collector.collect, COLLECT_SECONDS),
            Task("copies of images", services.copies.tidy, TIDY_SECONDS),
            *([publish] if site.image_registry else []),
            Task("pushed repositories", services.pushed.tidy, TIDY_SECONDS),
            Task("copies of repositories", room.tidy, TIDY_SECONDS),
            Task("files for launches", services.content.tidy, TIDY_SECONDS),
        ]
    )
