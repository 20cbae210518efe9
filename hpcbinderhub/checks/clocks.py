"""Clocks: certificates, tickets and the search for jobs all go by them."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from ..errors import Unavailable, UserError
from ..site import Site
from .finding import Finding, failed, ok, warning
from .ground import Ground

WARN_SECONDS = 60
FAIL_SECONDS = 240
"""A certificate lasts 300 s, and the last minute of it is not used."""


async def look(ground: Ground) -> AsyncIterator[Finding]:
    """See the module. Where clocks are far apart, nobody may be let in at all: so who cannot be
    asked is told of as well."""
    watcher = ground.site.watcher_user
    # Where there is no SSH, the login node's clock is this host's.
    hosts = ground.site.login_hosts if ground.site.transport == "ssh" else ()
    for host in hosts:
        cluster = ground.reach(Site(config=ground.config, login_hosts=[host]))
        yield await _one(host, cluster.about(watcher), lambda said: said["time"])
    settings = ground.reach(ground.site).slurm_settings(watcher)
    yield await _one("slurmctld", settings, lambda said: said.get("config", {}).get("now"))


async def _one(
    what: str,
    question: Awaitable[dict[str, Any]],
    time_in: Callable[[dict[str, Any]], float | None],
) -> Finding:
    asked = time.time()
    try:
        theirs = time_in(await question)
    except (Unavailable, UserError) as error:
        return failed(
            what,
            f"It could not be asked what time it is: {error}",
            "Compare `date` there and here by hand: where they are minutes apart, no certificate "
            "is taken. Otherwise see the matters “certificates” and “transport”.",
        )
    if theirs is None:
        return warning(
            what,
            "It did not say what time it is.",
            "See what `hpcbinderhub check --only slurm` says.",
        )
    return compared(what, theirs, asked, time.time())


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
