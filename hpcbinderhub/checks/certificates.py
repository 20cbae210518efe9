"""The certificates by which the hub acts as users: what each allows, and that root gets none."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import asyncssh
from cryptography.hazmat.primitives.serialization import SSHCertificate

from ..errors import Unavailable
from ..site import Site
from ..slurm.authorities import Authority
from ..slurm.certificates import (
    PORT_FORWARDING,
    forwarding_of,
    is_from_somewhere,
    read,
    seconds_left,
)
from ..slurm.signing import LIFETIME_SECONDS
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
    for finding in _allowed(certificate, user, ground.site):
        yield finding
    yield await _root(authority)


async def _signed(authority: Authority, user: str) -> SSHCertificate:
    """As it is given, before the hub refuses what allows too much."""
    key = asyncssh.generate_private_key("ssh-ed25519")
    public_key = key.export_public_key().decode().strip()
    return read(await authority.sign(user, public_key))


def _allowed(certificate: SSHCertificate, user: str, site: Site) -> Iterator[Finding]:
    """Each of the limits that make a stolen certificate worth little."""
    yield _lifetime(certificate)
    named = [name.decode(errors="replace") for name in certificate.valid_principals]
    if named == [user]:
        yield ok("principal", f"A certificate is {user}'s alone.")
    else:
        yield failed(
            "principal",
            f"A certificate for {user} names {', '.join(named) or 'nobody'}.",
            "Have the authority name the one user, who is its principal.",
        )
    forced = certificate.critical_options.get(b"force-command", b"").decode(errors="replace")
    yield _forced(forced, site.agent_command)
    yield _source(certificate, site)
    yield from _forwarding(certificate, site)


def _lifetime(certificate: SSHCertificate) -> Finding:
    try:
        seconds = seconds_left(certificate)
    except ValueError as error:
        return failed(
            "lifetime",
            f"The hub does not use what the authority signs: {error}. Whoever steals a certificate "
            "has that long.",
            f"Have the authority sign for at most {LIFETIME_SECONDS} s from now; and see that its "
            "host's clock and this one's are kept by a time service.",
        )
    return ok("lifetime", f"A certificate is good for {seconds:.0f} s from its signing.")


def _source(certificate: SSHCertificate, site: Site) -> Finding:
    what = "source-address"
    if is_from_somewhere(certificate):
        return ok(what, "It is good only from where the hub connects.")
    sentence = "A certificate that was stolen can be used from any host while it lasts"
    advice = "Give hpcbinderhub-sign --source-addresses with the hub's address"
    if site.certificates_from_anywhere:
        return warning(
            what, f"{sentence}, and c.Site.certificates_from_anywhere lets it.", f"{advice}."
        )
    return failed(
        what,
        f"{sentence}, so the hub uses none.",
        f"{advice}. Where the site's authority cannot do that, set "
        "c.Site.certificates_from_anywhere.",
    )


def _forwarding(certificate: SSHCertificate, site: Site) -> Iterator[Finding]:
    what, permitted = "forwarding", forwarding_of(certificate)
    if site.hop == "login":
        if PORT_FORWARDING not in permitted:
            yield failed(
                what,
                "c.Site.hop is 'login', and certificates do not let connections be forwarded.",
                "Give hpcbinderhub-sign --permit-port-forwarding.",
            )
        permitted.discard(PORT_FORWARDING)
    if permitted:
        names = b", ".join(sorted(permitted)).decode()
        yield failed(
            what,
            f"A certificate that was stolen could do what nobody needs ({names}), so the hub uses "
            "none.",
            f"Have the authority sign without {names}.",
        )


def _forced(command: str, agent: str) -> Finding:
    if command == agent:
        return ok("force-command", f"It runs nothing but {agent}.")
    if not command:
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
