"""What is sent out to look at a node: a job, or what stands for one on a login node."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..images.engines import ContainerRun, engine_named
from ..images.engines.filed import FileEngine
from ..images.engines.fuse import mounted_or_unpacked
from ..launches.options import LaunchOptions
from ..profiles import Profile, Resources
from ..slurm.cluster import Submission
from ..slurm.login_servers import Serving, limits_of
from ..slurm.members import Member
from ..slurm.script import batch_script, sbatch_options
from ..slurm.starts import start_fields
from ..workspaces import Places, root_of
from . import node_script
from .ground import Ground
from .sample import sample

MEMORY_MB = 1024
MINUTES = 5


@dataclass(frozen=True)
class Errand:
    """One to be sent out."""

    what: str
    profile: Profile
    submission: Submission


async def job_under(ground: Ground, member: Member, profile: Profile) -> Errand:
    """A job of one CPU, with the options of a launch under this profile."""
    alone = profile.model_copy(update={"components": ()})
    options, where = sample(ground.site, member, alone)
    submission = Submission(
        **await _started(ground, member, alone, options, where),
        options=sbatch_options(options, alone, _little(alone, options), where),
    )
    return Errand(f"{profile.name}, {profile.engine}", alone, submission)


async def server_under(ground: Ground, member: Member, profile: Profile, host: str) -> Errand:
    """A server of one CPU on a login node, within the limits of this profile."""
    options, where = sample(ground.site, member, profile)
    submission = Serving(
        **await _started(ground, member, profile, options, where),
        options=(),
        limits=limits_of(profile, _little(profile, options)),
    )
    on = f" on {host}" if host else ""
    return Errand(f"{profile.name}, {profile.engine}{on}", profile, submission)


async def _started(
    ground: Ground, member: Member, profile: Profile, options: LaunchOptions, where: Places
) -> dict[str, Any]:
    """What both have."""
    site = ground.site
    engine = engine_named(profile.engine, site, ground.reach(site))
    image = await asyncio.to_thread(newest, Path(site.artefacts))
    run = ContainerRun(image, where, tuple(site.data_roots), ("/bin/true",), host=profile.host)
    command = tuple(engine.command(run))
    container: tuple[str, ...] = ()
    if image and isinstance(engine, FileEngine):
        container = tuple(mounted_or_unpacked(command, image, site.node_local))
    task = node_script.Task(
        launch=str(where.launch),
        store=site.artefacts,
        url=f"{profile.hub_url(site.public_url)}/hub/api/",
        node_local=site.node_local,
        program=engine.program,
        node_tmp=_node_tmp(ground, member, profile),
        data_roots=site.data_roots,
        container=container,
    )
    shown = (*where.shown(run.reach), *engine.covered(where, run.reach))
    # Nothing waits for the ticket: it is there since every launch has one.
    return {
        **start_fields(site, member.account, options.launch, where, shown, claim_url=""),
        "script": batch_script(
            site.job_prologue,
            profile.modules,
            node_script.words(task),
            profile.variables(site.job_environment),
            where.launch,
        ),
    }


def _node_tmp(ground: Ground, member: Member, profile: Profile) -> str:
    """As a launch has it: on compute nodes alone."""
    folder = ground.site.node_tmp
    return str(root_of(folder, member.account)) if folder and profile.spawner == "batch" else ""


def _little(profile: Profile, options: LaunchOptions) -> Resources:
    """As little as it can do with."""
    usual = profile.resources(options)
    memory_mb = min(MEMORY_MB, usual.memory_mb) or MEMORY_MB
    return usual.model_copy(
        update={"minutes": MINUTES, "nodes": 1, "cpus": 1, "memory_mb": memory_mb}
    )


def newest(store: Path) -> str:
    """The newest image that everybody may run, or an empty string."""
    with suppress(OSError):
        found = [(path.stat().st_mtime, str(path)) for path in store.glob("*.squashfs")]
        return max(found, default=(0.0, ""))[1]
    return ""
