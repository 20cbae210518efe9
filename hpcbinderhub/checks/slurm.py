"""Slurm itself: its commands answer, and what it is set to suits us."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

from .finding import Finding, failed, ok, warning
from .ground import Ground

PARTS = {
    "config": ("scontrol show config", "See that slurmctld runs and that munge agrees."),
    "partitions": ("scontrol show partition", "See that slurmctld runs and that munge agrees."),
    "qos": ("sacctmgr show qos", "See that slurmdbd runs; without accounting, ends are not told."),
    "accounting": ("sacct", "See that slurmdbd runs; without accounting, ends are not told."),
}


async def look(ground: Ground) -> AsyncIterator[Finding]:
    """See the module."""
    settings = await ground.reach(ground.site).slurm_settings(ground.site.watcher_user)
    for part, (command, advice) in PARTS.items():
        if words := settings["errors"].get(part):
            yield failed(
                command, f"It does not work as {ground.site.watcher_user}: {words}", advice
            )
        else:
            yield ok(command, "It answers.")
    for finding in _config(settings.get("config", {}), ground.site.watcher_user):
        yield finding


def _config(config: dict[str, Any], watcher: str) -> Iterator[Finding]:
    if version := config.get("SLURM_VERSION"):
        yield ok("version", f"Slurm {version}, cluster {config.get('ClusterName', '?')}")
    if "jobs" in str(config.get("PrivateData", "")):
        yield ok(
            "PrivateData",
            f"Users do not see each other's jobs; {watcher} has to, which the matter “jobs” tries.",
        )
    stored = str(config.get("AccountingStoreFlags", ""))
    if "job_env" in stored or "job_script" in stored:
        yield ok(
            "AccountingStoreFlags",
            f"{stored}: scripts and environments are kept. Ours hold no secret.",
        )
    if config.get("ProctrackType") == "proctrack/linuxproc":
        yield warning(
            "ProctrackType",
            "proctrack/linuxproc misses processes whose title has spaces: they outlive their job.",
            "Set ProctrackType=proctrack/cgroup in slurm.conf, where cgroups can be used.",
        )
    enforced = str(config.get("AccountingStorageEnforce", ""))
    if not {"limits", "associations"} & set(enforced.split(",")):
        yield warning(
            "AccountingStorageEnforce",
            f"It is {enforced or 'not set'}: Slurm lets everybody submit as much as they like, and "
            "our profiles are only a convenience.",
            "Set AccountingStorageEnforce=associations,limits,qos in slurm.conf.",
        )
