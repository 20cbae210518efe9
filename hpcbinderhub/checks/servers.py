"""A short server as a user on each login node, for each engine that profiles name for there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from ..profiles import Profile
from ..slurm.login_servers import LoginServers, hosts_of
from .errands import server_under
from .finding import Finding, skipped
from .ground import Ground
from .sent import Sent


async def look(ground: Ground) -> AsyncIterator[Finding]:
    """See the module."""
    if not ground.user:
        yield skipped("servers", "No server was started: say as whom, with --user NAME.")
        return
    cluster = ground.reach(ground.site)
    member = await cluster.member(ground.user)
    sent = []
    for profile in kinds(ground.site.profiles):
        for host in hosts_of(ground.site):
            errand = await server_under(ground, member, profile, host)
            there = LoginServers(cluster, [host], ground.site.watcher_user)
            sent.append(SentServer(ground, there, errand))
    for findings in [asyncio.ensure_future(one.findings()) for one in sent]:
        for finding in await findings:
            yield finding


def kinds(profiles: list[Profile]) -> list[Profile]:
    """One profile for each engine."""
    found: dict[str, Profile] = {}
    for profile in profiles:
        if profile.spawner != "batch":
            found.setdefault(profile.engine, profile)
    return list(found.values())


class SentServer(Sent):
    """A process on a login node."""

    noun, began = "server", "started server"

    def unseen(self, job: str) -> str:
        """See `Sent.unseen`."""
        return (
            "Name each login node by itself in c.Site.login_hosts: another one answered than where "
            "it was started."
        )

    def endless(self, job: str) -> str:
        """See `Sent.endless`."""
        return f"Look there, as its user, for the processes with HPCBINDER_RUN={job}, and end them."
