"""Each profile, as Slurm sees it: its partition and QOS, and whether the user may submit so."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from ..crews.batch import batch_options, batch_plan
from ..errors import UserError
from ..profiles import Profile
from ..site import Site
from ..slurm.cluster import Cluster
from ..slurm.members import Member
from ..slurm.script import sbatch_options
from .finding import Finding, failed, ok, warning
from .ground import Ground
from .sample import sample

WHERE = {"login": "servers are on a login node", "local": "servers are on the hub's own host"}


async def look(ground: Ground) -> AsyncIterator[Finding]:
    """See the module."""
    cluster = ground.reach(ground.site)
    settings = await cluster.slurm_settings(ground.site.watcher_user)
    known = {row["name"]: row for row in settings.get("partitions", ())}
    for profile in ground.site.profiles:
        if profile.spawner != "batch":
            yield ok(f"profile “{profile.name}”", f"It needs no Slurm: {WHERE[profile.spawner]}.")
            continue
        for finding in of_slurm(profile, known, settings.get("qos")):
            yield finding
        if not ground.user:
            continue
        yield await _rehearsed(ground, cluster, profile, "", _of_server)
        if profile.worker_nodes:
            nodes = f", {profile.worker_nodes} nodes of workers"
            yield await _rehearsed(ground, cluster, profile, nodes, _of_workers)


def _of_server(member: Member, profile: Profile, site: Site) -> tuple[str, ...]:
    options, where = sample(site, member, profile)
    return sbatch_options(options, profile, profile.resources(options), where)


def _of_workers(member: Member, profile: Profile, site: Site) -> tuple[str, ...]:
    options, _ = sample(site, member, profile)
    plan = batch_plan(options, profile, member, site, options.launch)
    return batch_options(plan, profile.worker_nodes, profile.worker_form)


async def _rehearsed(
    ground: Ground,
    cluster: Cluster,
    profile: Profile,
    of_what: str,
    options: Callable[[Member, Profile, Site], tuple[str, ...]],
) -> Finding:
    """What `sbatch --test-only` says to the user, with exactly the options of a launch, or of the
    most workers that there may be."""
    what = f"profile “{profile.name}” as {ground.user}{of_what}"
    try:
        words = options(await cluster.member(ground.user), profile, ground.site)
        seconds = await cluster.wait_for(ground.user, words)
    except UserError as error:
        return failed(what, f"{error.message} ({error.detail})", error.advice)
    return ok(what, f"Slurm would take it, and start it in {seconds:.0f} s.")


def of_slurm(
    profile: Profile, partitions: dict[str, dict[str, Any]], qos: list[str] | None
) -> Iterator[Finding]:
    """What Slurm's own tables say of a profile; pure. `qos` is None where they could not be had."""
    what = f"profile “{profile.name}”"
    named = [*profile.partition.root.values(), *(part.partition for part in profile.components)]
    for name in dict.fromkeys(named):
        yield _partition(what, name, partitions)
    for name in filter(None, profile.qos.root.values()):
        yield _qos(what, name, [partitions[one] for one in named if one in partitions], qos)


def _partition(what: str, name: str, partitions: dict[str, dict[str, Any]]) -> Finding:
    row = partitions.get(name)
    if row is None:
        return failed(
            what,
            f"Slurm has no partition {name}.",
            f"Set `partition` to one of: {', '.join(sorted(partitions)) or 'none was listed'}.",
        )
    if row["state"] != "UP":
        return warning(
            what,
            f"The partition {name} is {row['state']}: jobs wait there.",
            f"scontrol update PartitionName={name} State=UP, when it may be used.",
        )
    return ok(what, f"The partition {name} is up, with {row['nodes']} nodes.")


def _qos(what: str, name: str, rows: list[dict[str, Any]], known: list[str] | None) -> Finding:
    if known is not None and name not in known:
        return failed(what, f"Slurm has no QOS {name}.", f"Use one of: {', '.join(known)}.")
    for row in rows:
        allowed = row["allow_qos"].split(",")
        if "ALL" not in allowed and name not in allowed:
            return failed(
                what,
                f"The partition {row['name']} does not take the QOS {name}.",
                f"Use one of: {', '.join(allowed)}; or add it to the partition's AllowQos.",
            )
    return ok(what, f"The QOS {name} is there.")
