"""Who users are on the cluster: asked once for all who want to know, and remembered for a while."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from ..errors import Unavailable
from ..workspaces import Account

ACCOUNT_SECONDS = 300


@dataclass(frozen=True)
class Association:
    """A Slurm account that a user may charge."""

    account: str
    partition: str
    qos: str
    default_qos: str = ""


@dataclass(frozen=True)
class Member:
    """A user, as login node and Slurm accounting know her."""

    account: Account
    associations: tuple[Association, ...]
    default_account: str = ""
    """Slurm's choice for a job that names none."""

    @property
    def slurm_accounts(self) -> list[str]:
        """The Slurm accounts she may charge, each once, in Slurm's order."""
        return list(dict.fromkeys(entry.account for entry in self.associations))

    def default_qos(self, account: str) -> str:
        """Slurm's choice for a job that is charged to it and names none; empty if Slurm does not
        say, or if it hangs on the partition."""
        found = {entry.default_qos for entry in self.associations if entry.account == account}
        return found.pop() if len(found) == 1 else ""


class Members:
    """Those who were asked about. `whoami` is the question, as that user."""

    def __init__(
        self,
        whoami: Callable[[str], Awaitable[dict[str, Any]]],
        clock: Callable[[], float] = time.monotonic,
    ):
        self._whoami = whoami
        self._clock = clock
        self._known: dict[str, tuple[float, Member]] = {}
        self._asked: dict[str, asyncio.Task[Member]] = {}

    async def find(self, user: str) -> Member:
        """Who she is. A page asks for several reasons at once, and each question is a login."""
        known = self._known.get(user)
        if known and self._clock() - known[0] < ACCOUNT_SECONDS:
            return known[1]
        try:
            # Whoever else waits goes on waiting if this one is cancelled.
            return await asyncio.shield(self._question(user))
        except Unavailable:
            if known:
                # Who she is has hardly changed since; what she may charge is for Slurm to say.
                return known[1]
            raise

    def _question(self, user: str) -> asyncio.Task[Member]:
        """The one that is under way, or a new one."""
        task = self._asked.get(user)
        if task is None:
            task = self._asked[user] = asyncio.create_task(self._ask(user))
            task.add_done_callback(lambda done: self._answered(user, done))
        return task

    async def _ask(self, user: str) -> Member:
        answer = await self._whoami(user)
        member = Member(
            Account(answer["user"], answer["uid"], answer["home"]),
            tuple(
                Association(row["account"], row["partition"], row["qos"], row["default_qos"])
                for row in answer["associations"]
            ),
            answer["default_account"],
        )
        if member.associations:
            self._known[user] = (self._clock(), member)
        return member

    def _answered(self, user: str, done: asyncio.Task[Member]) -> None:
        del self._asked[user]
        if not done.cancelled():
            # Perhaps nobody waits for it any more.
            done.exception()
