"""What a worker does besides building: the artefacts are its account's, so it removes them."""

from __future__ import annotations

import asyncio
import logging

from ..errors import Unavailable
from ..store.delivery import Store
from .client import Gone, ServiceClient

log = logging.getLogger(__name__)

REMOVE_SECONDS = 30.0


async def keep_removing(client: ServiceClient, store: Store) -> None:
    """Remove what the service gives up, again and again, until cancelled."""
    while True:
        await asyncio.sleep(REMOVE_SECONDS)
        await try_to_remove(client, store)


async def try_to_remove(client: ServiceClient, store: Store) -> None:
    """Remove what the service has given up; what keeps us from it is logged."""
    try:
        await remove_pending(client, store)
    except (Unavailable, Gone) as error:
        log.warning("%s Nothing is removed meanwhile.", error)
    except Exception:
        log.exception("Removing artefacts has a defect")


async def remove_pending(client: ServiceClient, store: Store) -> None:
    """Remove the files that wait for it. One that cannot be removed goes on waiting."""
    gone = []
    for artefact in await client.removals():
        try:
            await store.remove(artefact)
        except OSError as error:
            log.warning("Artefact %s cannot be removed: %s", artefact, error)
        else:
            log.info("Removed artefact %s", artefact)
            gone.append(artefact)
    if gone:
        await client.removed(gone)
