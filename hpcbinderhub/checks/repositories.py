"""The folders on the cluster's storage from which users may launch repositories."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

from ..slurm.login_servers import hosts_of
from .finding import Finding, failed, ok
from .ground import Ground

WHAT = "c.Site.repository_paths"


def why_not(ground: Ground) -> str:
    """Whether there are any."""
    return "" if ground.site.repository_paths else f"No path is offered ({WHAT})."


async def look(ground: Ground) -> AsyncIterator[Finding]:
    """On each login node, since any of them may be asked."""
    cluster, site = ground.reach(ground.site), ground.site
    user = ground.user or site.watcher_user
    for host in hosts_of(site):
        answer = await cluster.on_login_node(
            host, user, "repository-roots", roots=list(site.repository_paths)
        )
        for finding in _found(answer, user, host or "this host"):
            yield finding


def _found(answer: dict[str, Any], user: str, host: str) -> Iterator[Finding]:
    if not answer["git"]:
        yield failed(
            f"{WHAT}, Git on {host}",
            f"There is no Git in c.Site.slurm_path on {host}, so no repository there can be read.",
            "Install Git there, or add the folder that it is in to c.Site.slurm_path.",
        )
    for root in answer["roots"]:
        what = f"{WHAT}, {root['path']} on {host}"
        if not root["absolute"]:
            yield failed(
                what, f"{root['path']} is no absolute path.", "Begin it with a slash, or remove it."
            )
        elif not root["folder"]:
            yield failed(
                what,
                f"To {user}, there is no folder {root['path']} on {host}.",
                "Mount it on the login nodes, open the way to it, or remove it from the list.",
            )
        elif not root["open"]:
            yield failed(
                what,
                f"{user} may not go into {root['path']} on {host}.",
                "Let users in (chmod o+x, or their groups), or remove it from the list.",
            )
        else:
            yield ok(what, f"{user} can launch what she may read below {root['path']}.")
