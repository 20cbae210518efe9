"""Keeps the records of crews as things are, and crews as they are wanted: one loop for all.

It asks the hub's watcher about all nodes at once, and hears from it what Slurm said. It has a crew
closed whose server is gone, asks for what was lost where that is wanted, and calls for whatever is
to be done at the cluster. While no crew is open, it asks nobody anything.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress

from ..errors import Unavailable, UserError
from ..launches.hub import Hub
from ..site import Site
from ..slurm.jobs import Owned
from .admission import new_id, runs
from .book import CrewBook
from .changes import with_batch
from .hearing import heard_of
from .records import Crew, CrewState, NodeState
from .replacing import Patience, missing
from .sights import Told, asked_about, seen
from .steps import next_step
from .tender import Tender

log = logging.getLogger(__name__)

GONE_SECONDS = 600.0
"""How long nobody need have heard of a node that was told to end until it counts as gone."""

SERVER_SECONDS = 5.0
"""Between two looks whether servers are still there."""

LOOKS_WITHOUT = 2
"""How often a server has to be missing: a hub that has just started finds its servers again."""

LEAST_SECONDS = 0.5
"""However often it is called."""

MOST_SECONDS = 20.0
"""However seldom the hub looks: it forgets what nobody has asked about for a minute."""


class Keeper:
    """Of all crews of a site."""

    def __init__(
        self,
        site: Site,
        book: CrewBook,
        hub: Hub,
        tender: Tender,
        close_crew: Callable[[Crew, str], Awaitable[object]],
        clock: Callable[[], float] = time.time,
    ):
        self._site = site
        self._book = book
        self._hub = hub
        self._tender = tender
        self._close_crew = close_crew
        self._clock = clock
        # What the hub hears, we hear half of its pause later at most.
        self._pause = min(max(site.watch_seconds / 2, LEAST_SECONDS), MOST_SECONDS)
        self._called = asyncio.Event()
        self._unheard: dict[tuple[str, int], float] = {}
        self._without: dict[str, int] = {}
        self._looked_for_servers = float("-inf")
        self._patience = Patience(clock)
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Keep, from now on; what was live when the last service ended goes on."""
        self._called.set()
        self._task = asyncio.create_task(self._run(), name="crews")

    async def close(self) -> None:
        """Stop."""
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def call(self) -> None:
        """There is a crew, or something about one may be another."""
        self._called.set()

    async def _run(self) -> None:
        while True:
            await self._called.wait()
            self._called.clear()
            try:
                if await self.look():
                    self._called.set()
            except (Unavailable, UserError) as error:
                log.warning("Crews have to wait: %s", error)
                self._called.set()
            except Exception:
                log.exception("The keeper of crews has a defect")
                self._called.set()
            await asyncio.sleep(self._pause)

    async def look(self) -> bool:
        """Look once, and put right what can be; whether there is any crew."""
        crews = await self._book.live()
        if not crews:
            self._forget_all()
            return False
        for crew in crews:
            if next_step(crew):
                self._tender.call(crew.id)
        try:
            await self._look_for_servers([c for c in crews if c.state is CrewState.OPEN])
        except (Unavailable, UserError) as error:
            # Nothing is known of servers, and so nothing is concluded.
            log.warning("The hub says nothing of servers: %s", error)
        await self._hear(crews)
        for crew in crews:
            if crew.replace and crew.state is CrewState.OPEN:
                await self._replace(crew)
        return True

    def _forget_all(self) -> None:
        self._unheard.clear()
        self._without.clear()
        self._patience = Patience(self._clock)

    # -- how nodes are -------------------------------------------------------------------------

    async def _hear(self, crews: Collection[Crew]) -> None:
        asked = [one for crew in crews for one in asked_about(crew)]
        if not asked:
            return
        told = await self._told(crews, asked)
        for crew in crews:
            # Most looks bring no news, and those cost no writing.
            if seen(crew, told) != crew:
                await self._book.change(crew.id, lambda c: seen(c, told))

    async def _told(self, crews: Collection[Crew], asked: Collection[Owned]) -> Told:
        heard = await heard_of(self._hub, asked)
        if heard.silent:
            return Told({}, silence=heard.age)
        return Told(heard.jobs, gone=self._gone(crews, heard.jobs.keys()))

    def _gone(self, crews: Collection[Crew], named: Collection[Owned]) -> set[tuple[str, int]]:
        """Those that were told to end, and that an answering Slurm has not named for long: where
        there is no accounting, nobody ever says that they have."""
        now = self._clock()
        unheard = {
            (node.batch, node.task)
            for crew in crews
            for node in crew.nodes
            if node.cancelled
            and node.state is not NodeState.ENDED
            and Owned(crew.batch(node.batch).element(node.task), crew.user) not in named
        }
        self._unheard = {one: self._unheard.get(one, now) for one in unheard}
        return {one for one, since in self._unheard.items() if now - since > GONE_SECONDS}

    # -- whose server is gone ------------------------------------------------------------------

    async def _look_for_servers(self, crews: Collection[Crew]) -> None:
        now = self._clock()
        if now - self._looked_for_servers < SERVER_SECONDS:
            return
        self._looked_for_servers = now
        models = {
            (user, server): await self._hub.server(user, server)
            for user, server in {(crew.user, crew.server) for crew in crews}
        }
        for crew in crews:
            there = runs(models[crew.user, crew.server], crew.launch)
            self._without[crew.id] = 0 if there else self._without.get(crew.id, 0) + 1
            if self._without[crew.id] >= LOOKS_WITHOUT:
                await self._close_crew(crew, "server")

    # -- what was lost -------------------------------------------------------------------------

    async def _replace(self, crew: Crew) -> None:
        """Ask for what is missing, with ever longer pauses where that does not last."""
        profile = next((p for p in self._site.profiles if p.name == crew.profile), None)
        if profile is None or not self._patience.is_over(crew.id):
            return
        now = self._clock()
        ahead = 2.0 * profile.warn_seconds
        batch = new_id(now)

        def change(current: Crew) -> Crew:
            workers = missing(current, now, ahead)
            return with_batch(current, batch, workers) if workers else current

        # Beyond the profile's limit, it waits until what ends has ended.
        with suppress(UserError):
            changed = await self._book.change(crew.id, change, profile.worker_nodes)
            if any(one.id == batch for one in changed.batches):
                self._patience.asked(crew.id)
                self._tender.call(crew.id)
