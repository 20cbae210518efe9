"""What a worker does besides building: the artefacts are its account's, so it removes them."""

from __future__ import annotations

import asyncio
import logging
import time

from ..errors import Unavailable
from ..store.delivery import Store
from .client import Gone, ServiceClient

log = logging.getLogger(__name__)

REMOVE_SECONDS = 30.0
TIDY_SECONDS = 3600.0


async def keep_removing(client: ServiceClient, store: Store) -> None:
    """Remove what the service gives up, and what nobody knows of, again and again, until
    cancelled."""
    tidied = -TIDY_SECONDS
    while True:
        await asyncio.sleep(REMOVE_SECONDS)
        await try_to_remove(client, store)
        if time.monotonic() - tidied >= TIDY_SECONDS:
            tidied = time.monotonic()
            await try_to_tidy(store)


async def try_to_tidy(store: Store) -> None:
    """Remove what killed conversions, imports and transfers have left in the store."""
    try:
        await store.tidy()
    except (Unavailable, OSError) as error:
        log.warning("The artefact store cannot be tidied: %s", error)


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
