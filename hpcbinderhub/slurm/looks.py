"""Looks at jobs: as the watcher's account, with one question for all; or as their owners.

What answers as a user is, in the end, her own login shell. So a row counts only for a job that was
asked about, and only if it is its owner's by Slurm's word; which uid that is, the watcher's account
says and not she. What is told of a job as its owner is her word about her own job: no other's.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import partial
from typing import Any

from ..errors import Unavailable, UserError
from .apart import Apart
from .jobs import Job, Owned, Stage, job_from

UID_SECONDS = 3600.0

Ask = Callable[..., Awaitable[dict[str, Any]]]
"""Asks the agent: as whom, for which operation, with which arguments."""


class Uids:
    """Whose account is which, as the watcher's account finds them."""

    def __init__(self, ask: Ask, watcher: str):
        self._ask = ask
        self._watcher = watcher
        self._known: dict[str, tuple[float, int]] = {}

    async def of(self, users: Iterable[str]) -> dict[str, int]:
        """The uids of those among these that the login nodes know."""
        users, now = set(users), time.monotonic()
        unsure = sorted(
            user
            for user in users
            if now - self._known.get(user, (-UID_SECONDS, 0))[0] >= UID_SECONDS
        )
        if unsure:
            told = (await self._ask(self._watcher, "uids", users=unsure))["uids"]
            self._known |= {user: (now, uid) for user, uid in told.items() if user in users}
        return {user: self._known[user][1] for user in users if user in self._known}


class Looks:
    """Asks Slurm about jobs."""

    def __init__(self, ask: Ask, watcher: str, *, as_owners: bool):
        self._ask = ask
        self._watcher = watcher
        self._as_owners = as_owners
        self._apart = Apart()
        self._uids = Uids(ask, watcher)

    async def uids(self, users: Iterable[str]) -> dict[str, int]:
        """See `Uids.of`."""
        return await self._uids.of(users)

    async def queue(self, jobs: Iterable[Owned]) -> dict[Owned, Job]:
        """Those among these jobs that the controller has."""
        return await self._look("observe", jobs, clean=False)

    async def history(self, jobs: Iterable[Owned]) -> dict[Owned, Job]:
        """Those among these jobs that accounting says are over."""
        seen = await self._look("history", jobs)
        return {one: job for one, job in seen.items() if job.stage is Stage.ENDED}

    async def certain(self, owner: str, number: str) -> Job | None:
        """A job in nothing that a user could have written, as the watcher's account sees it. Where
        that sees none, it is its owner's word, but for the node: that is one of the cluster's."""
        one = Owned(number, owner)
        uids = await self._uids.of([owner])
        seen = await self._look_as(self._watcher, "observe", [one], uids, clean=True)
        if one in seen or not self._as_owners:
            return seen.get(one)
        told = (await self._look_as(owner, "observe", [one], uids, clean=True)).get(one)
        if told and told.node and told.node not in await self._nodes():
            raise UserError(
                f"Slurm has no node “{told.node}”.",
                "Look into the start files of your login shell on the cluster: something there "
                "answers in Slurm's place.",
            )
        return told

    async def _nodes(self) -> set[str]:
        return set((await self._ask(self._watcher, "nodes"))["nodes"])

    async def _look(
        self, operation: str, jobs: Iterable[Owned], **arguments: Any
    ) -> dict[Owned, Job]:
        asked = list(jobs)
        uids = await self._uids.of(one.owner for one in asked)
        if not self._as_owners:
            return await self._look_as(self._watcher, operation, asked, uids, **arguments)
        theirs: dict[str, list[Owned]] = {}
        for one in asked:
            theirs.setdefault(one.owner, []).append(one)
        answers = await self._apart.ask(
            {
                owner: partial(self._look_as, owner, operation, hers, uids, **arguments)
                for owner, hers in theirs.items()
            }
        )
        return {one: job for answer in answers.values() for one, job in answer.items()}

    async def _look_as(
        self,
        user: str,
        operation: str,
        asked: list[Owned],
        uids: Mapping[str, int],
        **arguments: Any,
    ) -> dict[Owned, Job]:
        numbers = sorted({one.job for one in asked})
        rows = _rows(await self._ask(user, operation, jobs=numbers, **arguments))
        # Two may be said to have the same job: at most one of them has.
        return {
            one: rows[one.job]
            for one in asked
            if one.job in rows and rows[one.job].uid == uids.get(one.owner)
        }


def _rows(answer: Mapping[str, Any]) -> dict[str, Job]:
    """The jobs of an answer; Unavailable if it is none of the agent's."""
    try:
        skew = answer["time"] - time.time()
        return {row["id"]: job_from(row, skew) for row in answer["jobs"]}
    except (KeyError, TypeError, ValueError, ArithmeticError) as error:
        raise Unavailable("What was answered of the jobs cannot be read.") from error
