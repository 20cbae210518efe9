"""Where nodes exchange their tickets: one look at Slurm for all that come together."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from ..errors import Unavailable, UserError
from ..events import EventLog
from ..launches.hub import Hub
from ..slurm.jobs import Job, Owned
from .book import CrewBook
from .claims import NotYet, claimable, claimed, over
from .grants import grant_of
from .hearing import heard_of
from .keys import Seal
from .plans import Plans
from .records import Crew, stream_of
from .requests import NodeClaim
from .together import Together
from .waiting import first_of

HOLD_SECONDS = 20.0
"""How long a node is kept waiting for what it lacks: less than it takes for a lost connection."""

FIRST_PAUSE = 1.0
"""Between two looks for one that Slurm does not name yet."""

FRESH_SECONDS = 10.0
"""What is older is of before the question: the hub does not wait for Slurm for ever."""


class Call(NamedTuple):
    """One node's claim."""

    crew: str
    batch: str
    claim: NodeClaim


class Claims:
    """The claims of all nodes of a site. Nodes start together and claim together: those who do so
    cost one look at Slurm, and one change of their crew."""

    def __init__(
        self,
        book: CrewBook,
        events: EventLog,
        hub: Hub,
        plans: Plans,
        seal: Seal,
        clock: Callable[[], float],
    ):
        self._book = book
        self._events = events
        self._hub = hub
        self._plans = plans
        self._seal = seal
        self._clock = clock
        self._desk = Together(self._answer, "claims")

    async def claim(self, batch: str, claim: NodeClaim, end: asyncio.Event) -> dict[str, Any]:
        """What a node gets for its ticket. What is lacking yet is waited for; `Unavailable` where
        that takes long, or at the `end`, and the node should ask again."""
        crew = await self._book.crew_of(batch)
        if crew is None:
            raise over()
        limit, pause = time.monotonic() + HOLD_SECONDS, FIRST_PAUSE
        with self._events.bell(stream_of(crew)) as bell:
            while True:
                bell.clear()
                try:
                    return await self._desk.at(Call(crew, batch, claim))
                except Unavailable as error:
                    if time.monotonic() + pause > limit or end.is_set():
                        raise
                    news = (bell,) if isinstance(error, NotYet) else ()
                await first_of(end, *news, seconds=pause)
                pause *= 2

    async def close(self) -> None:
        """Stop."""
        await self._desk.close()

    async def _answer(self, calls: Sequence[Call]) -> list[dict[str, Any] | Exception]:
        jobs = await self._jobs(calls)
        found: dict[Call, dict[str, Any] | Exception] = {}
        for crew in dict.fromkeys(call.crew for call in calls):
            theirs = {call: jobs[call] for call in calls if call.crew == crew}
            try:
                found |= await self._grants(crew, theirs)
            except (UserError, Unavailable) as error:
                found |= dict.fromkeys(theirs, error)
        return [found[call] for call in calls]

    async def _jobs(self, calls: Sequence[Call]) -> dict[Call, Job | Exception]:
        """Slurm's word about each that may claim, in one look; or why it may not, or not yet."""
        found: dict[Call, Job | Exception] = {}
        elements: dict[Call, Owned] = {}
        crews = {crew: await self._book.get(crew) for crew in {call.crew for call in calls}}
        for call in calls:
            try:
                elements[call] = element_of(crews[call.crew], call)
            except (UserError, Unavailable) as error:
                found[call] = error
        if elements:
            heard = await heard_of(self._hub, elements.values(), fresh=True)
            if heard.silent or heard.age > FRESH_SECONDS:
                raise Unavailable("Slurm does not answer at the moment.")
            for call, element in elements.items():
                job = heard.jobs.get(element)
                found[call] = job or Unavailable("Slurm does not name this job yet.")
        return found

    async def _grants(
        self, crew_id: str, jobs: Mapping[Call, Job | Exception]
    ) -> dict[Call, dict[str, Any] | Exception]:
        """What each of a crew's nodes gets. It may have been closed while Slurm was asked."""
        refused: dict[Call, Exception] = {c: j for c, j in jobs.items() if isinstance(j, Exception)}
        running = {c: j for c, j in jobs.items() if isinstance(j, Job)}
        if not running:
            return dict(refused)
        before = await self._book.get(crew_id)
        if before is None:
            raise over()
        plans = {batch: await self._plans.of(before, batch) for batch in {c.batch for c in running}}

        def change(crew: Crew) -> Crew:
            for call, job in running.items():
                try:
                    uid = plans[call.batch].member.account.uid
                    crew = claimed(crew, call.batch, call.claim, job, uid)
                except (UserError, Unavailable) as error:
                    refused[call] = error
            return crew

        crew = await self._book.change(crew_id, change)
        granted = [call for call in running if call not in refused]
        keys = await self._seal.opened(crew.id, crew.keys) if granted else None
        grants: dict[Call, dict[str, Any] | Exception] = dict(refused)
        for call in granted:
            assert keys is not None
            node = claimable(crew, call.batch, call.claim)
            grants[call] = grant_of(crew, node, plans[call.batch], keys, self._clock())
        return grants


def element_of(crew: Crew | None, call: Call) -> Owned:
    """The job that Slurm is asked about."""
    if crew is None:
        raise over()
    node = claimable(crew, call.batch, call.claim)
    return Owned(crew.batch(call.batch).element(node.task), crew.user)
