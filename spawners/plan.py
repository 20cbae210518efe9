"""An accepted request, and what is made of it: the job, and what that gets for its ticket.

All but `plan_of` are pure functions of it.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from hpcbinderhub.images.engines import ContainerRun, Engine
from hpcbinderhub.images.engines.fuse import mounted_or_unpacked
from hpcbinderhub.launches.options import LaunchOptions
from hpcbinderhub.profiles import Profile, Resources, find_profile
from hpcbinderhub.repos.identifiers import page_of
from hpcbinderhub.repos.opening import server_address
from hpcbinderhub.site import Site
from hpcbinderhub.slurm.cluster import Cluster, Member, Submission
from hpcbinderhub.slurm.login_servers import Serving, limits_of
from hpcbinderhub.slurm.node_tmp import with_own_tmp
from hpcbinderhub.slurm.script import batch_script, job_name, sbatch_options
from hpcbinderhub.trust.policy import check_repository
from hpcbinderhub.workspaces import Places, places, root_of, top_level

START_COMMAND = "/srv/hpcbinder/bin/hpcbinder"


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
    member = await cluster.member(user)
    account = profile.account(options.account, member.slurm_accounts, member.default_account)
    options = options.model_copy(update={"account": account})
    where = places(site.workspace_root, member.account, options.launch, options.workspace)
    return Plan(options, profile, member, where)


def submission_of(plan: Plan, site: Site, engine: Engine, image: str, claim_url: str) -> Submission:
    """What the agent needs to submit the job, with a new ticket in it."""
    return Submission(
        **start_of(plan, site, engine, image, claim_url),
        options=(
            *sbatch_options(plan.options, plan.profile, plan.resources, plan.where),
            *engine.sbatch_options(image),
        ),
    )


def serving_of(plan: Plan, site: Site, engine: Engine, image: str, claim_url: str) -> Serving:
    """What the agent needs to start the server on a login node: the same, within limits that are
    not Slurm's."""
    return Serving(
        **start_of(plan, site, engine, image, claim_url),
        options=(),
        limits=limits_of(plan.profile, plan.resources),
    )


def start_of(plan: Plan, site: Site, engine: Engine, image: str, claim_url: str) -> dict[str, Any]:
    """What both have."""
    where, reach = plan.where, plan.options.reach
    command = command_of(plan, site, engine, image)
    return {
        "name": job_name(plan.options.launch),
        "directory": str(where.launch),
        "directories": (
            *(str(where.copy_of(path)) for path in where.shown(reach)),
            *(str(where.copy_of(top)) for top in engine.covered(where, reach)),
            str(where.workspace.parent),
            str(where.home),
        ),
        "script": batch_script(
            site.job_prologue,
            plan.profile.modules,
            command,
            plan.profile.variables(site.job_environment),
        ),
        "claim": {
            "claim_url": claim_url,
            "ticket": secrets.token_urlsafe(32),
            "ca": site.ca_certificates(),
        },
        "roots": (
            str(where.root),
            *(str(root_of(root, plan.member.account)) for root in site.room_roots),
        ),
        "free_mb": site.room_mb,
    }


def command_of(plan: Plan, site: Site, engine: Engine, image: str) -> tuple[str, ...]:
    """The engine's command line, with the start command in the container."""
    where, resources = plan.where, plan.resources
    command = engine.command(
        ContainerRun(
            image=image,
            where=where,
            data_roots=data_roots_of(plan, site),
            command=(START_COMMAND, "start", "--launch", str(where.launch)),
            reach=plan.options.reach,
            host=plan.profile.host_parts(resources.gpus),
            gpus=plan.profile.gpu_maker if resources.gpus else None,
        )
    )
    if engine.needs_fuse:
        command = mounted_or_unpacked(command, image, site.node_local)
    node_tmp = plan.node_tmp(site)
    if node_tmp:
        command = with_own_tmp(command, node_tmp)
    return tuple(command)


def data_roots_of(plan: Plan, site: Site) -> tuple[str, ...]:
    """What the container sees; with the node's own disk, if temporary files are there."""
    node_tmp = plan.node_tmp(site)
    local = (str(top_level(PurePosixPath(node_tmp))),) if node_tmp else ()
    return tuple(dict.fromkeys((*site.data_roots, *local)))


def grant_of(
    plan: Plan,
    site: Site,
    *,
    env: dict[str, str],
    args: list[str],
    ready_url: str,
    tls: dict[str, str],
    session: dict[str, Any],
) -> dict[str, Any]:
    """What a job gets for its ticket: `hpcbinder/claim.py` reads it."""
    options, where = plan.options, plan.where
    hub = plan.profile.hub_url(site.public_url)
    return {
        "env": plan.profile.variables(site.job_environment)
        | env
        | plan.host_variables
        | binder_variables(plan, site),
        "args": args,
        "ready_url": ready_url,
        "content": {
            "url": f"{hub}/services/binder/api/content/{options.launch}",
            "repo_url": options.repo_url,
            "ref": options.ref,
            "commit": options.commit,
            "existing": options.existing,
        },
        "workspace": str(where.workspace),
        "home": str(where.home),
        "tls": tls,
        "session": session,
    }


def binder_variables(plan: Plan, site: Site) -> dict[str, str]:
    """What BinderHub sets, so that repositories made for it find it."""
    options = plan.options
    return {
        "JUPYTERHUB_DEFAULT_URL": server_address(options.open),
        "JUPYTERHUB_ROOT_DIR": str(plan.where.workspace),
        "BINDER_LAUNCH_HOST": f"{site.public_url}services/binder/",
        "BINDER_REPO_URL": options.repo_url,
        "BINDER_REF_URL": page_of(options.repo_url, options.commit),
        "BINDER_REQUEST": f"v2/{options.spec}",
        "BINDER_PERSISTENT_REQUEST": f"v2/{options.spec.rpartition('/')[0]}/{options.commit}",
    }
