"""One submission for a crew: what is run on its nodes, and how Slurm is asked for them.

Each node runs what a server's job runs, but for the command in the container; and has a server's
HOME and workspace, that of the server whose notebook asked. All are pure functions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from ..images.engines import Engine
from ..launches.grant import binder_variables
from ..launches.options import LaunchOptions
from ..launches.plan import Plan
from ..launches.submission import command_of, shown_of
from ..profiles import Profile, Resources
from ..site import Site
from ..slurm.cluster import Submission
from ..slurm.members import Member
from ..slurm.script import batch_script, common_options, job_name, log_pattern, own_options
from ..slurm.starts import start_fields
from ..workspaces import Account, Places, places
from .records import Form

ELEMENT = '-"$SLURM_ARRAY_TASK_ID"'
NODE_OF_JOB = '-"$SLURM_PROCID"'
"""Which element of an array a job is, and which of a job's nodes this one; in the shell's words."""


@dataclass(frozen=True)
class BatchPlan(Plan):
    """What will be run on each node of a batch, for whom. `options` are the server's own, but for
    what was chosen of the nodes' profile."""

    batch: str
    variables: Mapping[str, str]
    """What its workers find in their environment, as the server does."""

    @property
    def resources(self) -> Resources:
        """Of one node."""
        return super().resources.model_copy(update={"nodes": 1})


def batch_plan(
    options: LaunchOptions, profile: Profile, member: Member, site: Site, batch: str
) -> BatchPlan:
    """The plan of a batch of nodes for the launch that has these options."""
    where = batch_places(options, profile, member.account, site, batch)
    plan = Plan(options, profile, member, where)
    variables = (
        profile.variables(site.job_environment)
        | plan.host_variables
        | {k: v for k, v in binder_variables(plan, site).items() if k.startswith("BINDER_")}
    )
    return BatchPlan(options, profile, member, where, batch, variables)


def batch_places(
    options: LaunchOptions, profile: Profile, account: Account, site: Site, batch: str
) -> Places:
    """Its own directory, with the server's HOME and workspace. Nodes start at different times, and
    Slurm follows a link in a log's place: so no container shows the folder with the logs."""
    logs = site.log_root_of(profile)
    server = places(site.workspace_root, account, options.launch, options.workspace)
    own = places(site.workspace_root, account, batch, options.workspace, logs)
    log = own.log if logs else own.launch.with_name(f"{batch}-logs")
    return replace(own, home=server.home, log=log)


def node_log(plan: BatchPlan, task: int) -> PurePosixPath:
    """What Slurm writes of one node."""
    return plan.where.log / f"node-{task}.log"


def batch_submission(
    plan: BatchPlan,
    site: Site,
    engine: Engine,
    image: str,
    claim_url: str,
    *,
    nodes: int,
    form: Form,
) -> Submission:
    """What the agent needs to submit so many nodes, with a new ticket for all of them."""
    shown = shown_of(plan, engine)
    command = command_of(plan, site, engine, image, "node")
    on_node = (
        site.job_prologue,
        plan.profile.modules,
        command,
        plan.profile.variables(site.job_environment),
    )
    if form == "array":
        script = batch_script(*on_node, plan.where.launch, each=ELEMENT)
    else:
        one = batch_script(*on_node, plan.where.launch, each=NODE_OF_JOB)
        everywhere = (*step_on_all(plan, nodes), "bash", "-c", one)
        each = f"-{{0..{nodes - 1}}}"
        script = batch_script("", (), everywhere, launch=plan.where.launch, each=each)
    return Submission(
        **start_fields(site, plan.member.account, plan.batch, plan.where, shown, claim_url),
        options=(*batch_options(plan, nodes, form), *engine.sbatch_options(image)),
        script=script,
    )


def batch_options(plan: BatchPlan, nodes: int, form: Form) -> tuple[str, ...]:
    """Every Slurm option, for `sbatch`'s own command line."""
    array = form == "array"
    resources = plan.resources if array else plan.resources.model_copy(update={"nodes": nodes})
    log = "node-%a.log" if array else "job.log"
    return (
        f"--job-name={job_name(plan.batch)}",
        *common_options(plan.options.account, plan.profile, resources, plan.where, log),
        *own_options(plan.profile, resources),
        # The others go on where a node of one job is lost.
        f"--array=0-{nodes - 1}" if array else "--no-kill",
    )


def step_on_all(plan: BatchPlan, nodes: int) -> tuple[str, ...]:
    """The beginning of a command that is run once on each node of a job: each by itself, as if it
    were the only one, whatever the site's defaults."""
    return (
        "srun",
        f"--nodes={nodes}",
        "--ntasks-per-node=1",
        # Since 22.05, a step does not take it from its job.
        f"--cpus-per-task={plan.resources.cpus}",
        f"--output={log_pattern(plan.where, 'node-%t.log')}",
        "--open-mode=append",
        "--no-kill",
        "--kill-on-bad-exit=0",
        "--wait=0",
    )
