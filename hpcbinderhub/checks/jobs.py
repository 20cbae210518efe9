"""A short job as a user, for each partition and engine: submitted, seen, reporting, cancelled."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ..errors import Unavailable, UserError
from ..images.engines import ContainerRun, engine_class, engine_named
from ..images.engines.filed import FileEngine
from ..images.engines.fuse import mounted_or_unpacked
from ..launches.options import LaunchOptions
from ..profiles import Profile, Resources
from ..slurm.cluster import Cluster, Member, Submission
from ..slurm.jobs import Job, Stage
from ..slurm.script import batch_script, job_name, sbatch_options
from ..slurm.words import how_it_ended, in_words
from ..workspaces import Places
from . import node_script, nodes
from .clocks import compared
from .finding import Finding, failed, ok, skipped, warning
from .ground import Ground
from .sample import sample

SIGHT_SECONDS = 20
END_SECONDS = 40
REACH_SECONDS = 10
POLL_SECONDS = 10
"""At most, between two looks at a log."""
LOG_BYTES = 20_000
MEMORY_MB = 1024
MINUTES = 5


@dataclass(frozen=True)
class Errand:
    """One job to be sent out."""

    what: str
    profile: Profile
    options: LaunchOptions
    where: Places


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
    errands = [_errand(ground, member, profile) for profile in _kinds(ground.site.profiles)]
    for findings in [asyncio.ensure_future(_sent(ground, cluster, one)) for one in errands]:
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


def _errand(ground: Ground, member: Member, profile: Profile) -> Errand:
    options, where = sample(ground.site, member, profile)
    alone = profile.model_copy(update={"components": ()})
    return Errand(f"{profile.name}, {profile.engine}", alone, options, where)


async def _sent(ground: Ground, cluster: Cluster, errand: Errand) -> list[Finding]:
    """Submit, follow, cancel, and leave nothing behind."""
    found: list[Finding] = []
    user, directory = ground.user, str(errand.where.launch)
    try:
        job = (await cluster.submit(user, await _submission(ground, errand))).job
    except UserError as error:
        return [failed(errand.what, f"{error.message} ({error.detail})", error.advice)]
    found.append(ok(errand.what, f"{user} submitted job {job}."))
    try:
        async for finding in _followed(ground, cluster, errand, job):
            found.append(finding)
    finally:
        with suppress(UserError, Unavailable):
            await cluster.cancel(user, job)
    found.append(await _ended(cluster, ground.user, errand, job))
    with suppress(UserError, Unavailable):
        await cluster.clear(user, directory)
    return found


async def _submission(ground: Ground, errand: Errand) -> Submission:
    site, where, profile = ground.site, errand.where, errand.profile
    engine = engine_named(profile.engine, site, ground.reach(site))
    image = await asyncio.to_thread(_newest, Path(site.artefacts))
    run = ContainerRun(image, where, tuple(site.data_roots), ("/bin/true",), host=profile.host)
    command = tuple(engine.command(run))
    container: tuple[str, ...] = ()
    if image and isinstance(engine, FileEngine):
        container = tuple(mounted_or_unpacked(command, image, site.node_local))
    task = node_script.Errand(
        launch=str(where.launch),
        store=site.artefacts,
        url=f"{profile.hub_url(site.public_url)}/hub/api/",
        node_local=site.node_local,
        program=command[0],
        data_roots=site.data_roots,
        container=container,
    )
    shown = (*where.shown(run.reach), *engine.covered(where, run.reach))
    return Submission(
        name=job_name(errand.options.launch),
        directory=str(where.launch),
        directories=(
            *(str(where.copy_of(path)) for path in shown),
            *(str(where.workspace.parent), str(where.home)),
        ),
        options=sbatch_options(errand.options, profile, _little(errand), where),
        script=batch_script(
            site.job_prologue,
            profile.modules,
            node_script.words(task),
            profile.variables(site.job_environment),
        ),
        # Nothing waits for this ticket: it is there since every job has one.
        claim={"claim_url": "", "ticket": secrets.token_urlsafe(32), "ca": site.ca_certificates()},
    )


def _little(errand: Errand) -> Resources:
    """As little as a job can do with."""
    usual = errand.profile.resources(errand.options)
    memory_mb = min(MEMORY_MB, usual.memory_mb) or MEMORY_MB
    return usual.model_copy(
        update={"minutes": MINUTES, "nodes": 1, "cpus": 1, "memory_mb": memory_mb}
    )


def _newest(store: Path) -> str:
    """The newest image that everybody may run, or an empty string."""
    with suppress(OSError):
        found = [(path.stat().st_mtime, str(path)) for path in store.glob("*.squashfs")]
        return max(found, default=(0.0, ""))[1]
    return ""


async def _followed(
    ground: Ground, cluster: Cluster, errand: Errand, job: str
) -> AsyncIterator[Finding]:
    """Until the node has reported, the job has ended, or it has waited for too long."""
    user, directory = ground.user, str(errand.where.launch)
    seen = await _first_sight(cluster, user, job)
    yield _sight(ground, errand, job, seen)
    limit = time.monotonic() + ground.patience
    while time.monotonic() < limit:
        seen = (await cluster.observe({job: user})).get(job)
        asked = time.time()
        report = node_script.read(await cluster.log_tail(user, directory, LOG_BYTES))
        if node_script.LAST in report:
            for finding in _reported(ground, errand, report, asked):
                yield finding
            if "listen" in report:
                node = (await cluster.observe({job: user}))[job].node if seen else ""
                yield await reached(errand.what, node, int(report["listen"][0]))
            return
        if seen and seen.stage is Stage.ENDED:
            yield await _died(ground, cluster, errand, seen)
            return
        await asyncio.sleep(1)
    yield _still_waiting(errand, seen, ground.patience)


async def _first_sight(cluster: Cluster, user: str, job: str) -> Job | None:
    limit = time.monotonic() + SIGHT_SECONDS
    while True:
        seen = (await cluster.observe({job: user})).get(job)
        if seen or time.monotonic() > limit:
            return seen
        await asyncio.sleep(1)


def _sight(ground: Ground, errand: Errand, job: str, seen: Job | None) -> Finding:
    as_owner = ground.site.watch_as == "users"
    watcher = ground.user if as_owner else ground.site.watcher_user
    if seen:
        return ok(errand.what, f"{watcher} sees it: {in_words(seen, time.time())}")
    sentence = f"{watcher} does not see job {job} of {ground.user}, so no server is ever ready."
    if as_owner:
        return failed(errand.what, sentence, f"Run `scontrol show job {job}` there as {watcher}.")
    return failed(
        errand.what,
        sentence,
        f"sacctmgr modify user {watcher} set AdminLevel=Operator (PrivateData hides others' jobs); "
        "or set c.Site.watch_as = 'users', which is slower.",
    )


def _reported(
    ground: Ground, errand: Errand, report: nodes.Report, now: float
) -> Iterator[Finding]:
    engine = engine_class(errand.profile.engine)
    hub = errand.profile.hub_url(ground.site.public_url)
    yield from nodes.of_report(errand.what, report, engine, ground.site, hub)
    began = next(iter(report.get("time", ())), "")
    if began.isdigit():
        # It wrote the time last of all, since the log was read before.
        yield compared(f"{errand.what}: clock", float(began), now - POLL_SECONDS, now)


async def reached(what: str, node: str, port: int) -> Finding:
    """Whether a server that listens there could be used."""
    try:
        async with asyncio.timeout(REACH_SECONDS):
            reader, writer = await asyncio.open_connection(node, port)
            said = await reader.readline()
        writer.close()
    except (OSError, TimeoutError) as error:
        return failed(
            what,
            f"This host does not reach port {port} of {node}, where a job of the user's listens: "
            f"{error or 'no answer'}.",
            "Let the hub's host connect to the nodes' ports from 1024 up: look at routes, at "
            "firewalls, and at whether it knows the nodes' names.",
        )
    if said != b"check\n":
        return failed(
            what,
            f"Something else than the job answers at port {port} of {node}.",
            "Look at the network between the hub and the nodes: a proxy may stand there.",
        )
    return ok(what, f"The hub reaches what a job listens at on {node}.")


async def _died(ground: Ground, cluster: Cluster, errand: Errand, seen: Job) -> Finding:
    log = await cluster.log_tail(ground.user, str(errand.where.launch))
    last = " / ".join(log.splitlines()[-5:]) or "its log is empty"
    return failed(
        errand.what,
        f"The job ended before it had reported. {how_it_ended(seen).sentence} "
        f"Its last lines: {last}",
        "Look at those words; at c.Site.job_prologue and the profile's `modules`, which run first.",
    )


def _still_waiting(errand: Errand, seen: Job | None, seconds: float) -> Finding:
    words = in_words(seen, time.time()) if seen else "Nothing is known of it."
    return warning(
        errand.what,
        f"After {seconds:.0f} s the job had not reported, so the node was not looked at. {words}",
        "Check again when the partition is less busy, or with a longer --wait.",
    )


async def _ended(cluster: Cluster, user: str, errand: Errand, job: str) -> Finding:
    limit = time.monotonic() + END_SECONDS
    while time.monotonic() < limit:
        seen = (await cluster.observe({job: user})).get(job)
        if seen and seen.stage is Stage.ENDED:
            return ok(errand.what, "It was cancelled, and ended.")
        await asyncio.sleep(1)
    return warning(
        errand.what,
        f"Job {job} was cancelled, and nobody saw it end in {END_SECONDS} s.",
        f"scancel {job}, as its user; if it stays, look at its node.",
    )
