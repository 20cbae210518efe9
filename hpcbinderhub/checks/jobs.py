"""A short job as a user, for each partition and engine: submitted, seen, reporting, cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from ..profiles import Profile
from .errands import job_under
from .finding import Finding, failed, skipped
from .ground import Ground
from .sent import Sent


async def look(ground: Ground) -> AsyncIterator[Finding]:
    """See the module."""
    if not ground.user:
        yield skipped("jobs", "No job was submitted: say as whom, with --user NAME.")
        return
    cluster = ground.reach(ground.site)
    member = await cluster.member(ground.user)
    if not member.associations:
        yield failed(
            ground.user,
            "Slurm's accounting has no account that this user may charge.",
            "Name another user, or: sacctmgr add user NAME account=ACCOUNT",
        )
        return
    errands = [await job_under(ground, member, one) for one in _kinds(ground.site.profiles)]
    sent = [SentJob(ground, cluster, errand) for errand in errands]
    for findings in [asyncio.ensure_future(one.findings()) for one in sent]:
        for finding in await findings:
            yield finding


def _kinds(profiles: list[Profile]) -> list[Profile]:
    """One profile for each partition and engine. What runs on login nodes is no job."""
    kinds: dict[tuple[str, str], Profile] = {}
    for profile in profiles:
        if profile.spawner != "batch":
            continue
        partition = next(iter(profile.partition.root.values()), "")
        kinds.setdefault((partition, profile.engine), profile)
    return list(kinds.values())


class SentJob(Sent):
    """A job of Slurm's."""

    noun, began = "job", "submitted job"

    def watcher(self) -> str:
        """See `Sent.watcher`."""
        as_owner = self._ground.site.watch_as == "users"
        return self._user if as_owner else super().watcher()

    def unseen(self, job: str) -> str:
        """See `Sent.unseen`."""
        watcher = self.watcher()
        if watcher == self._user:
            return f"Run `scontrol show job {job}` there as {watcher}."
        return (
            f"sacctmgr modify user {watcher} set AdminLevel=Operator (PrivateData hides others' "
            "jobs); or set c.Site.watch_as = 'users', which is slower."
        )

    def endless(self, job: str) -> str:
        """See `Sent.endless`."""
        return f"scancel {job}, as its user; if it stays, look at its node."
