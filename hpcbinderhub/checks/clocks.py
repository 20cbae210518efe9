"""Clocks: certificates, tickets and the search for jobs all go by them."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

from ..site import Site
from .finding import Finding, failed, ok, warning
from .ground import Ground

WARN_SECONDS = 60
FAIL_SECONDS = 300


async def look(ground: Ground) -> AsyncIterator[Finding]:
    """See the module."""
    watcher = ground.site.watcher_user
    for host in ground.site.login_hosts:
        cluster = ground.reach(Site(config=ground.config, login_hosts=[host]))
        asked = time.time()
        said = await cluster.about(watcher)
        yield compared(f"{host}", said["time"], asked, time.time())
    cluster = ground.reach(ground.site)
    asked = time.time()
    settings = await cluster.slurm_settings(watcher)
    now = settings.get("config", {}).get("now")
    if now is None:
        yield warning(
            "slurmctld",
            "Slurm's controller did not say what time it is.",
            "See what `hpcbinderhub check --only slurm` says.",
        )
    else:
        yield compared("slurmctld", now, asked, time.time())


def compared(what: str, theirs: float, before: float, after: float) -> Finding:
    """Another clock, which was read between two moments of the hub's."""
    # Slurm tells whole seconds.
    apart = max(0.0, before - theirs - 1, theirs - after)
    sentence = f"Its clock and the hub's are {apart:.0f} s apart."
    advice = "Run a time service (chrony or another) on both hosts."
    if apart > FAIL_SECONDS:
        return failed(what, f"{sentence} Certificates and tickets will be refused.", advice)
    if apart > WARN_SECONDS:
        return warning(what, sentence, advice)
    return ok(what, sentence)
