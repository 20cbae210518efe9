"""All that may be asked of crews: what the web service calls."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from ..credentials.keyring import Keyring
from ..database import Database
from ..errors import NotFound
from ..events import EventLog
from ..launches.admission import Admission
from ..launches.hub import Hub
from ..launches.records import Launch, LaunchBook
from ..site import Site
from ..slurm.cluster import Cluster
from ..store.publishing import Publishing
from ..trust.grounds import Trust
from . import changes
from .admission import CrewAdmission, new_id
from .batch import node_log
from .book import CrewBook
from .desk import Claims
from .keeper import Keeper
from .keys import CrewKeys, Seal
from .plans import Plans
from .records import Crew, CrewState, stream_of
from .requests import CrewChange, CrewRequest, NodeClaim
from .tender import Tender
from .waiting import first_of
from .words import why_closed, words_of

PHASE = "workers"
LOG_BYTES = 64_000
TOGETHER_SECONDS = 0.02


class Crews:
    """The crews of one site."""

    def __init__(
        self,
        site: Site,
        database: Database,
        events: EventLog,
        launches: LaunchBook,
        cluster: Cluster,
        hub: Hub,
        admission: Admission,
        trust: Trust,
        publishing: Publishing,
        clock: Callable[[], float] = time.time,
    ):
        self.admission = CrewAdmission(site, admission, hub, trust, clock)
        self._site = site
        self._events = events
        self._clock = clock
        self._seal = Seal(Keyring(site.credential_keys_file))
        self._book = CrewBook(database, events.ring, clock)
        self._cluster = cluster
        self._plans = plans = Plans(site, launches, cluster)
        self._claims = Claims(self._book, events, hub, plans, self._seal, clock)
        self._tender = Tender(site, self._book, plans, cluster, publishing, self._say_failed, clock)
        self._keeper = Keeper(site, self._book, hub, self._tender, self.close_crew, clock)

    # -- what a notebook asks ------------------------------------------------------------------

    async def ask(
        self, launch: Launch, groups: Iterable[str], request: CrewRequest
    ) -> tuple[Crew, CrewKeys]:
        """A new crew, before anything of it is submitted."""
        crew = await self.admission.checked(launch, groups, request)
        keys = await asyncio.to_thread(CrewKeys.new)
        crew = replace(crew, keys=await self._seal.closed(crew.id, keys))
        profile = self.admission.profile(launch, groups, crew.profile)
        crew = await self._book.add(crew, profile.worker_nodes)
        self._see_to(crew)
        sentence = f"Asked for {_how_many(crew)} under “{profile.title}”, as “{crew.name}”."
        await self._events.append(launch.stream, PHASE, sentence, crew=crew.id)
        return crew, keys

    async def of_launch(self, launch: Launch) -> list[Crew]:
        """Those that are not over, the oldest first."""
        return await self._book.of_launch(launch.id)

    async def one(self, launch: Launch, crew: str) -> Crew:
        """One of a launch's, over or not."""
        found = await self._book.get(crew)
        if found is None or found.launch != launch.id:
            raise NotFound("There are no such workers.", "Ask for others.")
        return found

    async def news(self, launch: Launch, crew: str, after: int, end: asyncio.Event) -> Crew:
        """One, as soon as it is of another version, or at the `end`."""
        asked = time.monotonic()
        with self._events.bell(stream_of(crew)) as bell:
            while True:
                bell.clear()
                found = await self.one(launch, crew)
                if found.version > after or end.is_set():
                    return found
                await first_of(bell, end)
                # Nodes start together: one answer tells of all of them. What comes after a while
                # of silence is told at once.
                await asyncio.sleep(asked + TOGETHER_SECONDS - time.monotonic())

    async def keys(self, launch: Launch, crew: str) -> CrewKeys:
        """Of an open one: what a kernel that was restarted goes on with."""
        found = await self.one(launch, crew)
        changes.check_open(found)
        return await self._seal.opened(found.id, found.keys)

    async def change(
        self, launch: Launch, groups: Iterable[str], crew: str, asked: CrewChange
    ) -> Crew:
        """Another scheduler, more, fewer, or without some."""
        found = await self.one(launch, crew)
        batch = new_id(self._clock())

        def change(current: Crew) -> Crew:
            return asked_of(current, asked, batch)

        most = None
        if grows(found, asked):
            await self.admission.check_server(launch)
            most = self.admission.profile(launch, groups, found.profile).worker_nodes
        changed = await self._book.change(crew, change, most)
        self._see_to(changed)
        return changed

    async def log(self, launch: Launch, crew: str, node: str) -> str:
        """The end of what one of its nodes has printed."""
        found = await self.one(launch, crew)
        known = {found.node_id(one): one for one in found.nodes}
        if node not in known:
            raise NotFound(f"These workers have no node {node}.", "Look at their nodes again.")
        plan = await self._plans.of(found, known[node].batch)
        log = node_log(plan, known[node].task)
        return await self._cluster.log_tail(
            found.user, str(log.parent), size=LOG_BYTES, name=log.name
        )

    async def close_crew(self, crew: Crew, why: str) -> Crew:
        """Over; a second time changes nothing."""
        changed = await self._book.change(crew.id, lambda c: changes.closing(c, why))
        self._see_to(changed)
        if crew.state is CrewState.OPEN:
            stream = f"launch:{crew.launch}"
            sentence = f"“{crew.name}”: {why_closed(changed.why)}"
            await self._events.append(stream, PHASE, sentence, crew=crew.id)
        return changed

    async def server_stopped(self, user: str, server: str) -> None:
        """Its crews go with it."""
        for crew in await self._book.live():
            if (crew.user, crew.server) == (user, server):
                await self.close_crew(crew, "server")

    # -- what nodes ask ------------------------------------------------------------------------

    async def claim(self, batch: str, claim: NodeClaim, end: asyncio.Event) -> dict[str, Any]:
        """See `Claims`."""
        return await self._claims.claim(batch, claim, end)

    # -- what goes on unasked ------------------------------------------------------------------

    def start(self) -> None:
        """Go on where the last service ended."""
        self._keeper.start()

    async def close(self) -> None:
        """Stop; the records stay as they are."""
        await self._keeper.close()
        await self._tender.close()
        await self._claims.close()

    async def tidy(self) -> None:
        """Forget what has been over for long."""
        await self._book.forget(self._clock() - self._site.record_days * 86400.0)

    async def _say_failed(self, crew: Crew) -> None:
        sentence = f"“{crew.name}”: {' '.join(filter(None, words_of(crew)))}"
        await self._events.append(f"launch:{crew.launch}", PHASE, sentence, crew=crew.id)

    def _see_to(self, crew: Crew) -> None:
        if crew.is_live:
            self._tender.call(crew.id)
            self._keeper.call()


def asked_of(crew: Crew, asked: CrewChange, batch: str) -> Crew:
    """The crew, after this was asked of it; one more batch would have that name."""
    changes.check_open(crew)
    if asked.scheduler is not None:
        crew = replace(crew, scheduler=asked.scheduler)
    if asked.drop is not None:
        crew = changes.dropped(crew, asked.drop)
    if asked.nodes is not None or asked.workers is not None:
        crew = changes.scaled(crew, batch, nodes=asked.nodes, workers=asked.workers)
    return crew


def grows(crew: Crew, asked: CrewChange) -> bool:
    """Whether this asks for nodes that there are not."""
    return len(asked_of(crew, asked, "more").nodes) > len(crew.nodes)


def _how_many(crew: Crew) -> str:
    nodes = "1 node" if crew.wanted_nodes == 1 else f"{crew.wanted_nodes} nodes"
    return f"{nodes} for {crew.wanted_workers} workers"
