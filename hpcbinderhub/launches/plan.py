"""An accepted request, and for whom it is run, where and with what.

What is made of it is in `submission` and `grant`, which are pure functions of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from ..errors import UserError
from ..profiles import Profile, Resources, find_profile
from ..site import LOOPBACK, Site
from ..slurm.cluster import Cluster
from ..slurm.members import Member
from ..trust.policy import check_repository
from ..workspaces import Places, places, root_of
from .options import LaunchOptions
from .origin import check_origin


@dataclass(frozen=True)
class Plan:
    """What will be run for whom."""

    options: LaunchOptions
    profile: Profile
    member: Member
    where: Places

    @property
    def reader(self) -> int | None:
        """Whose artefact is run, if it is not everybody's: nobody runs another user's."""
        return self.member.account.uid if self.options.private else None

    @property
    def resources(self) -> Resources:
        """What is asked of Slurm, within the profile's limits."""
        return self.profile.resources(self.options)

    @property
    def host_variables(self) -> dict[str, str]:
        """What the profile sets for what it gives of the host."""
        return dict(self.profile.host_parts(self.resources.gpus).environment)

    def node_tmp(self, site: Site) -> str:
        """Where the compute node has room for temporary files; empty if nobody says so."""
        batch = self.profile.spawner == "batch"
        return str(root_of(site.node_tmp, self.member.account)) if site.node_tmp and batch else ""


async def plan_of(
    options: LaunchOptions, groups: Iterable[str], user: str, site: Site, cluster: Cluster
) -> Plan:
    """The plan for a request, or a sentence that says why there is none."""
    profile = find_profile(site.profiles, options.profile, groups)
    check_repository(profile, options.spec, options.repo_url)
    if profile.images_allowed:
        await asyncio.to_thread(check_origin, options, Path(site.state_dir))
    check_hub_address(profile, site)
    member = await cluster.member(user)
    account = profile.account(options.account, member.slurm_accounts, member.default_account)
    options = options.model_copy(update={"account": account})
    logs = site.log_root_of(profile)
    where = places(site.workspace_root, member.account, options.launch, options.workspace, logs)
    return Plan(options, profile, member, where)


def check_hub_address(profile: Profile, site: Site) -> None:
    """No ticket is sent to whoever listens on a node's own loopback."""
    address = profile.hub_url(site.public_url)
    if site.jobs_are_elsewhere and urlsplit(address).hostname in LOOPBACK:
        raise UserError(
            f"Jobs cannot find this hub: {address} is an address within each host.",
            "Tell your facility: c.Site.public_url is the hub's address as compute nodes reach it.",
        )
