"""Publishes images in the site's registry, in the background, and withdraws those that have gone.

The service does it, and not a builder: builders run strangers' code, and hold neither the login to
the registry nor the key that images are signed with. Nothing waits for it but launches whose
engine can only pull.
"""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..database import Database
from ..errors import UserError
from ..images.engines.pulled import reference
from ..images.registry.client import RegistrySilent
from ..images.registry.publish import Door, Order, Outcome, withdraw
from ..images.registry.writer import KeepsAll
from ..images.store import artefact_file
from ..site import Site
from . import published
from .published import Unpublished

log = logging.getLogger(__name__)

EVERY_SECONDS = 2.0
TRIES = 3
"""So often a launch waits for, each time a little later."""
PUSH_SECONDS = 3600.0
WAIT_SECONDS = 2 * PUSH_SECONDS


class Publishing:
    """The site's registry, kept as the images are."""

    def __init__(self, site: Site, database: Database, clock: Callable[[], float] = time.time):
        self._site = site
        self._registry = site.image_registry.rstrip("/")
        self._database = database
        self._clock = clock
        self._wanted: Counter[str] = Counter()
        self._turned = asyncio.Event()
        self._scratch = Path(site.state_dir, "publishing")
        self._said_once = False

    # -- what launches want ------------------------------------------------------------------------

    async def has(self, artefact: str) -> bool:
        """Whether an image is in the registry, which is asked: an admin may have tidied it up."""
        reference(self._site.image_registry, artefact)  # Refuses where there is none.
        standing = await self._database.run(published.standing, artefact, self._registry)
        if standing.digest is None:
            return False
        try:
            if await asyncio.to_thread(self._digest, artefact) is not None:
                return True
        except RegistrySilent as error:
            # The engine may have it already, and says so if not.
            log.warning("%s", error)
            return True
        await self._database.run(published.lose, artefact)
        return False

    async def wait_for(self, artefact: str) -> None:
        """Until an image is in the registry. UserError if it does not get there."""
        if not self._wanted[artefact]:
            await self._database.run(published.try_now, artefact)
        self._wanted[artefact] += 1
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                turned = self._turned
                while not await self._is_done(artefact):
                    await turned.wait()
                    turned = self._turned
        except TimeoutError:
            raise _not_pushed({}) from None
        finally:
            self._wanted -= Counter([artefact])

    async def _is_done(self, artefact: str) -> bool:
        standing = await self._database.run(published.standing, artefact, self._registry)
        failure = standing.failure
        if standing.tries >= (TRIES if failure.get("may_pass") else 1):
            raise _not_pushed(failure)
        return standing.digest is not None

    async def trouble(self) -> str:
        """What keeps an image from the registry, or nothing."""
        return await self._database.run(published.trouble, self._registry)

    # -- what is done in the background ------------------------------------------------------------

    async def work(self) -> None:
        """Withdraw what has gone, and publish what is not there, one after the other."""
        now = self._clock()
        for artefact in await self._database.run(published.withdrawable, self._registry, now):
            await self._withdraw(artefact)
        while (found := await self._next()) is not None:
            await self._publish(found)

    async def _next(self) -> Unpublished | None:
        return await self._database.run(
            published.next_unpublished, self._registry, list(self._wanted), self._clock()
        )

    async def _publish(self, found: Unpublished) -> None:
        await self._database.run(published.begin, found.artefact, self._registry)
        # What a process that was killed has left.
        await asyncio.to_thread(_fresh, self._scratch)
        await self._note(found.artefact, await _carried_out(self._order(found)))
        # Those who wait look again; who comes later waits for the next turn.
        turned, self._turned = self._turned, asyncio.Event()
        turned.set()

    async def _note(self, artefact: str, outcome: Outcome) -> None:
        if outcome.digest:
            log.info("Image %s is in %s", artefact, self._registry)
            await self._database.run(published.succeed, artefact, outcome.digest)
            return
        said = f"{outcome.message} {outcome.detail}"
        log.warning("Image %s is not in the registry: %s", artefact, said)
        failure = outcome.model_dump(exclude={"digest"})
        await self._database.run(published.fail, artefact, failure, self._clock())

    async def _withdraw(self, artefact: str) -> None:
        try:
            await asyncio.to_thread(withdraw, self._door(), artefact)
        except KeepsAll as error:
            if not self._said_once:
                log.warning("%s %s", error, "This is said once.")
            self._said_once = True
        except UserError as error:
            log.warning("Image %s stays in the registry for now: %s", artefact, error)
            await self._database.run(published.fail, artefact, error.as_dict(), self._clock())
            return
        await self._database.run(published.forget, artefact)

    def _digest(self, artefact: str) -> str | None:
        door = self._door()
        where = door.at(artefact)
        return door.open().digest(where.repository, where.version)

    def _door(self) -> Door:
        site = self._site
        return Door(
            repository=self._registry,
            auth_file=site.image_registry_auth_file,
            ca_file=site.image_registry_ca_file,
            plain_http=site.image_registry_plain_http,
        )

    def _order(self, found: Unpublished) -> Order:
        return Order(
            door=self._door(),
            artefact=found.artefact,
            file=Path(artefact_file(self._site.artefacts, found.artefact)),
            scratch=self._scratch,
            repo_url=found.repo_url,
            commit=found.commit,
            made=found.made,
            bill=found.bill,
            signing_key=self._site.image_signing_key,
        )


async def _carried_out(order: Order) -> Outcome:
    """An order carried out by a process of its own, which ends with us."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "hpcbinderhub.images.registry.publish"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={name: v for name, v in os.environ.items() if not name.startswith("JUPYTERHUB_")},
    )
    assert process.stdin is not None
    assert process.stdout is not None
    said = b""
    try:
        async with asyncio.timeout(PUSH_SECONDS):
            process.stdin.write(order.model_dump_json().encode() + b"\n")
            said = await process.stdout.read()
            await process.wait()
    except (TimeoutError, ConnectionError):
        pass
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        return Outcome(
            message="Pushing an image to the site's registry ended before its time.",
            advice="Launch again; if it goes on, tell your help desk.",
            detail=f"The process ended with {process.returncode}.",
            may_pass=True,
        )
    return Outcome.model_validate_json(said)


def _not_pushed(failure: dict[str, Any]) -> UserError:
    said = "\n".join(failure[name] for name in ("message", "detail") if failure.get(name))
    return UserError(
        "The image could not be put into the site's registry, from which this profile's engine "
        "pulls it.",
        failure.get("advice") or "Choose a profile with another engine, or tell your help desk.",
        detail=said,
        status=503,
    )


def _fresh(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
