"""Each login node by itself, since the hub would go on with another: network, host key, agent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import asyncssh

from ..site import Site
from .agents import as_each_user, how_to_install
from .finding import Finding, Outcome, failed, ok
from .ground import Ground

CONNECT_SECONDS = 10


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
        site = Site(config=ground.config, login_hosts=[host])
        found += await as_each_user(ground, ground.reach(site), host, _look_there)
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


def _look_there(user: str, site: Site) -> str:
    return (
        f"See that {user} has an account and a home directory there, that sshd trusts the "
        f"authority (TrustedUserCAKeys), and that {site.agent_command} is this version's: "
        f"{how_to_install(site)}"
    )


def _place(host: str) -> tuple[str, int]:
    parts = urlsplit(f"//{host}")
    return parts.hostname or host, parts.port or 22
