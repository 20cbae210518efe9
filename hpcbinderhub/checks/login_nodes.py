"""Each login node by itself, since the hub would go on with another: network, host key, agent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncssh

from ..errors import Unavailable
from ..site import Site
from ..slurm.agent.about import digest
from .finding import Finding, Outcome, failed, ok
from .ground import Ground

CONNECT_SECONDS = 10
INSTALL = "hpcbinderhub agent > AGENT, there, owned by root and with mode 0755."
OLDEST_PYTHON = (3, 6)


async def look(ground: Ground) -> AsyncIterator[Finding]:
    """See the module."""
    if not ground.site.login_hosts:
        yield failed(
            "c.Site.login_hosts", "No login node is named.", "Name one or several of them."
        )
    looked = [asyncio.ensure_future(_host(ground, host)) for host in ground.site.login_hosts]
    for findings in looked:
        for finding in await findings:
            yield finding


async def _host(ground: Ground, host: str) -> list[Finding]:
    found = [await _network(host)]
    if found[-1].outcome is Outcome.OK:
        found.append(await _host_key(host, Path(ground.site.known_hosts)))
    if found[-1].outcome is Outcome.OK:
        found += await _agents(ground, host)
    return found


async def _network(host: str) -> Finding:
    name, port = _place(host)
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            _, writer = await asyncio.open_connection(name, port)
        writer.close()
    except (OSError, TimeoutError) as error:
        return failed(
            host,
            f"Port {port} of {name} cannot be reached: {error or 'no answer'}.",
            "Look at its name in DNS, at firewalls between the hub and it, and at its sshd.",
        )
    return ok(host, f"Port {port} of {name} takes connections.")


async def _host_key(host: str, known: Path) -> Finding:
    what, (name, port) = f"{host}: host key", _place(host)
    line = f"ssh-keyscan -p {port} {name} >> {known}, after comparing the key with the node's own."
    try:
        text = await asyncio.to_thread(known.read_text)
        trusted, authorities, *_ = asyncssh.import_known_hosts(text).match(name, "", port)
    except (OSError, ValueError) as error:
        return failed(
            what,
            f"{known} cannot be used: {error}",
            "Set c.Site.known_hosts to a file of OpenSSH's.",
        )
    if authorities:
        return ok(what, f"An authority in {known} vouches for it.")
    if not trusted:
        return failed(what, f"{known} has no key of {name}, so it is not spoken to.", line)
    kinds = [key.get_algorithm() for key in trusted]
    async with asyncio.timeout(CONNECT_SECONDS):
        shown = await asyncssh.get_server_host_key(
            name, port, server_host_key_algs=kinds, config=None
        )
    if shown is None or shown.public_data not in [key.public_data for key in trusted]:
        return failed(
            what,
            f"{name} shows another host key than the one in {known}: it was set up anew, or "
            "somebody else answers in its place.",
            f"Find out which. Then remove the old line, and {line}",
        )
    return ok(what, f"It is the one in {known}.")


async def _agents(ground: Ground, host: str) -> list[Finding]:
    """The agent as the watcher's account, and as the user if one is named."""
    cluster = ground.reach(Site(config=ground.config, login_hosts=[host]))
    found: list[Finding] = []
    for user in dict.fromkeys((ground.site.watcher_user, ground.user)):
        if not user:
            continue
        what = f"{host}: agent as {user}"
        try:
            said = await cluster.about(user)
        except Unavailable as error:
            found.append(failed(what, str(error), _no_answer(user, ground.site.agent_command)))
        else:
            found += _agent(what, said, ground.site)
    return found


def _no_answer(user: str, agent: str) -> str:
    return (
        f"See that {user} has an account and a home directory there, that sshd trusts the "
        f"authority (TrustedUserCAKeys), and that {agent} is this version's: "
        f"{INSTALL.replace('AGENT', agent)}"
    )


def _agent(what: str, said: dict[str, Any], site: Site) -> Iterator[Finding]:
    if said["digest"] != digest():
        yield failed(
            what,
            "It is another version than the hub's.",
            f"Install the hub's: {INSTALL.replace('AGENT', site.agent_command)}",
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


def _place(host: str) -> tuple[str, int]:
    parts = urlsplit(f"//{host}")
    return parts.hostname or host, parts.port or 22
