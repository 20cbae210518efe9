"""The certificates by which the hub acts as users: what each allows, and that root gets none."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import asyncssh

from ..errors import Unavailable
from ..slurm.authorities import Authority
from ..slurm.signing import CLOCK_SKEW_SECONDS, LIFETIME_SECONDS
from ..slurm.transport.configured import authority_of
from .finding import Finding, failed, ok, warning
from .ground import Ground


async def look(ground: Ground) -> AsyncIterator[Finding]:
    """See the module."""
    if not (ground.site.certificate_command or ground.site.certificate_url):
        yield failed(
            "c.Site.certificate_command",
            "It is not set, so the hub can act as nobody.",
            "Name the command that signs, or c.Site.certificate_url; docs/admin.md says how.",
        )
        return
    authority = authority_of(ground.site)
    user = ground.user or ground.site.watcher_user
    try:
        certificate = await _signed(authority, user)
    except (Unavailable, OSError, asyncssh.Error, ValueError) as error:
        yield failed(
            user,
            f"No certificate was given for {user}: {error}",
            "Ask the authority by hand, as this account; look at sudo's rules and its log.",
        )
        return
    for finding in _allowed(certificate, user, ground.site.agent_command):
        yield finding
    yield await _root(authority)


async def _signed(authority: Authority, user: str) -> asyncssh.SSHCertificate:
    """As it is given, before the hub refuses what allows too much."""
    key = asyncssh.generate_private_key("ssh-ed25519")
    public_key = key.export_public_key().decode().strip()
    return asyncssh.import_certificate(await authority.sign(user, public_key))


def _allowed(certificate: Any, user: str, agent: str) -> Iterator[Finding]:
    """Each of the limits that make a stolen certificate worth little."""
    yield _lifetime(certificate)
    if list(certificate.principals) == [user]:
        yield ok("principal", f"A certificate is {user}'s alone.")
    else:
        yield failed(
            "principal",
            f"A certificate for {user} names {', '.join(certificate.principals) or 'nobody'}.",
            "Have the authority name the one user, who is its principal.",
        )
    yield _forced(certificate.options.get("force-command"), agent)
    if certificate.options.get("source-address"):
        yield ok("source-address", "It is good only from where the hub connects.")
    else:
        yield warning(
            "source-address",
            "A certificate that was stolen can be used from any host while it lasts.",
            "Give hpcbinderhub-sign --source-addresses with the hub's address.",
        )


def _lifetime(certificate: Any) -> Finding:
    """How long it is good for, whatever this host's clock says."""
    # asyncssh keeps these to itself.
    known = vars(certificate)
    seconds = known["_valid_before"] - known["_valid_after"]
    if seconds <= LIFETIME_SECONDS + CLOCK_SKEW_SECONDS:
        return ok("lifetime", f"A certificate is good for {seconds} s in all.")
    return failed(
        "lifetime",
        f"A certificate is good for {seconds} s, and whoever steals one has that long.",
        f"Have the authority sign for at most {LIFETIME_SECONDS} s from now.",
    )


def _forced(command: str | None, agent: str) -> Finding:
    if command == agent:
        return ok("force-command", f"It runs nothing but {agent}.")
    if command is None:
        return failed(
            "force-command",
            "A certificate opens a whole shell as that user.",
            f"Have the authority sign with force-command={agent}.",
        )
    return failed(
        "force-command",
        f"The authority lets certificates run {command}, and c.Site.agent_command is {agent}.",
        "Make the two the same.",
    )


async def _root(authority: Authority) -> Finding:
    try:
        await _signed(authority, "root")
    except Unavailable:
        return ok("root", "No certificate is given for root.")
    return failed(
        "root",
        "The authority signed a certificate for root.",
        "Have it refuse root and every other account that is no person's; hpcbinderhub-sign does.",
    )
