"""The agent, wherever it runs: whether it answers for a user, and is the hub's own version."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from ..errors import Unavailable
from ..site import Site
from ..slurm.agent.about import digest
from ..slurm.cluster import Cluster
from .finding import Finding, failed, ok
from .ground import Ground

OLDEST_PYTHON = (3, 6)


async def as_each_user(
    ground: Ground, cluster: Cluster, where: str, no_answer: Callable[[str, Site], str]
) -> list[Finding]:
    """As the watcher's account, and as the user if one is named. `no_answer` says what to do if
    nothing comes."""
    found: list[Finding] = []
    for user in filter(None, dict.fromkeys((ground.site.watcher_user, ground.user))):
        what = f"{where}: agent as {user}"
        try:
            said = await cluster.about(user)
        except Unavailable as error:
            found.append(failed(what, str(error), no_answer(user, ground.site)))
        else:
            found += _agent(what, said, ground.site)
    return found


def how_to_install(site: Site) -> str:
    """The command, and whose the file is."""
    if site.transport == "local":
        program = site.as_user_command[-1:] or ["as-user"]
        return f"hpcbinderhub agent --as-user > {program[0]}, owned by root and with mode 0755."
    return f"hpcbinderhub agent > {site.agent_command}, there, owned by root and with mode 0755."


def _agent(what: str, said: dict[str, Any], site: Site) -> Iterator[Finding]:
    if said["digest"] != digest():
        yield failed(
            what,
            "It is another version than the hub's.",
            f"Install the hub's: {how_to_install(site)}",
        )
    elif tuple(int(part) for part in said["python"].split(".")[:2]) < OLDEST_PYTHON:
        yield failed(
            what, f"It runs on Python {said['python']}.", "Install Python 3.6 or newer there."
        )
    else:
        yield ok(what, f"It is the hub's own version, on Python {said['python']}.")
    if said["missing"]:
        yield failed(
            what,
            f"These are in none of {', '.join(site.slurm_path)}: {', '.join(said['missing'])}.",
            "Install Slurm's commands there, or add their directory to c.Site.slurm_path.",
        )
