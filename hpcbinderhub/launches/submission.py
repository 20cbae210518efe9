"""What is submitted for a plan: pure functions of it."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any, Literal

from ..images.engines import ContainerRun, Engine
from ..images.engines.fuse import mounted_or_unpacked
from ..site import Site
from ..slurm.cluster import Submission
from ..slurm.login_servers import Serving, limits_of
from ..slurm.node_tmp import with_own_tmp
from ..slurm.script import batch_script, sbatch_options
from ..slurm.starts import start_fields
from ..workspaces import top_level
from .plan import Plan

TOOLS = "/srv/hpcbinder/bin/hpcbinder"
"""The command that every image has."""


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
    account, shown = plan.member.account, shown_of(plan, engine)
    return {
        **start_fields(site, account, plan.options.launch, plan.where, shown, claim_url),
        "script": batch_script(
            site.job_prologue,
            plan.profile.modules,
            command_of(plan, site, engine, image, "start"),
            plan.profile.variables(site.job_environment),
            plan.where.launch,
        ),
    }


def shown_of(plan: Plan, engine: Engine) -> tuple[PurePosixPath, ...]:
    """What of her files the container shows, and what is covered for that."""
    reach = plan.options.reach
    return (*plan.where.shown(reach), *engine.covered(plan.where, reach))


def command_of(
    plan: Plan, site: Site, engine: Engine, image: str, what: Literal["start", "node"]
) -> tuple[str, ...]:
    """The engine's command line, with the tools' command in the container that starts a server, or
    a node of its workers."""
    where, resources = plan.where, plan.resources
    command = engine.command(
        ContainerRun(
            image=image,
            where=where,
            data_roots=data_roots_of(plan, site),
            command=(TOOLS, what, "--launch", str(where.launch)),
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
