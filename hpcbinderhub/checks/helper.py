"""The helper that sudo permits, where the hub's own host is the login node."""

from __future__ import annotations

from collections.abc import AsyncIterator

from ..errors import Unavailable
from ..site import Site
from .agents import as_each_user, how_to_install
from .finding import Finding, failed, ok
from .ground import Ground


async def look(ground: Ground) -> AsyncIterator[Finding]:
    """See the module."""
    cluster = ground.reach(ground.site)
    for finding in await as_each_user(ground, cluster, "sudo", _look_there):
        yield finding
    try:
        await cluster.about("root")
    except Unavailable:
        yield ok("root", "The helper does not become root.")
    else:
        yield failed(
            "root",
            "The helper runs the hub's requests as root.",
            f"Replace it with ours: {how_to_install(ground.site)}",
        )


def _look_there(user: str, site: Site) -> str:
    return (
        f"See that sudo lets this account run {' '.join(site.as_user_command)} without a password, "
        f"that {user} is in the group of /etc/hpcbinderhub/as-user.json, and that the helper is "
        f"this version's: {how_to_install(site)}"
    )
