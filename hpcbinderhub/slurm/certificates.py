"""Short-lived SSH certificates: how the hub may act as a user without holding anyone's key.

The hub makes a key pair in memory and has an authority sign its public half for one user, for
minutes, tied to one command (`authorities`). What comes back is looked at before it is used: a
certificate that could do more than the hub needs is an authority that is set up wrongly.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import asyncssh
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    SSHCertificate,
    SSHCertificateType,
    load_ssh_public_identity,
)

from ..errors import Unavailable
from .authorities import Authority
from .signing import CLOCK_SKEW_SECONDS, LIFETIME_SECONDS, check_principal, moment_of

log = logging.getLogger(__name__)

RENEW_BEFORE_SECONDS = 60
CLOCKS_APART_SECONDS = 5
"""So much the clocks of two hosts with a time service may differ."""
PORT_FORWARDING = b"permit-port-forwarding"
FORWARDING = (PORT_FORWARDING, b"permit-X11-forwarding", b"permit-agent-forwarding")
"""What a certificate may permit beside its one command, and a thief would use."""


@dataclass(frozen=True)
class Credential:
    """A key pair of the hub's and the certificate that makes it somebody's for some minutes; or an
    account's own key."""

    key: asyncssh.SSHKey
    certificate: asyncssh.SSHCertificate | None
    lasts: float
    made: float = field(default_factory=time.monotonic)


class Credentials(Protocol):
    """Knows what makes a connection somebody's."""

    async def credential(self, user: str, *, renewed: bool = False) -> Credential:
        """What opens a connection as `user` for the next minute; `renewed` if the last one did
        not."""
        ...


class KeyFile:
    """One account's own key, for a process that acts as nobody else."""

    def __init__(self, path: str | Path):
        self._path = Path(path)

    async def credential(self, user: str, *, renewed: bool = False) -> Credential:
        """The key, as it is in the file now."""
        try:
            text = await asyncio.to_thread(self._path.read_text)
            return Credential(asyncssh.import_private_key(text), None, float("inf"))
        except (OSError, asyncssh.KeyImportError) as error:
            raise Unavailable(f"No SSH key for {user}: {error}") from error


class Certificates:
    """Credentials from the site's authority, kept until shortly before they expire.

    `from_anywhere`: whether certificates are used that do not say where they may be used from.
    `forwarding`: whether they may open connections from the login node, which the hop through it
    needs.
    """

    def __init__(
        self,
        authority: Authority,
        agent_command: str,
        *,
        from_anywhere: bool = False,
        forwarding: bool = False,
    ):
        self._authority = authority
        self._agent_command = agent_command
        self._from_anywhere = from_anywhere
        self._forwarding = forwarding
        self._credentials: dict[str, Credential] = {}

    async def credential(self, user: str, *, renewed: bool = False) -> Credential:
        """A credential for `user` that is good for at least a minute. Unavailable if there is
        none."""
        self._forget_old()
        if user in self._credentials and not renewed:
            return self._credentials[user]
        try:
            check_principal(user)
            key = asyncssh.generate_private_key("ssh-ed25519")
            public_key = key.export_public_key().decode().strip()
            text = await self._authority.sign(user, public_key)
            lasts = self._checked(text, user, public_key)
            certificate = asyncssh.import_certificate(text)
        except (ValueError, asyncssh.KeyImportError) as error:
            log.error("No SSH certificate for %s: %s", user, error)
            raise Unavailable(f"No SSH certificate for {user}: {error}.") from error
        credential = Credential(key, certificate, lasts - RENEW_BEFORE_SECONDS)
        self._credentials[user] = credential
        return credential

    def _forget_old(self) -> None:
        """Of anybody's: nothing lies in memory for longer than it is of use."""
        now = time.monotonic()
        for user, credential in list(self._credentials.items()):
            if now - credential.made >= credential.lasts:
                del self._credentials[user]

    def _checked(self, text: str, user: str, public_key: str) -> float:
        """How long a certificate lasts, in seconds. ValueError if it is not what was asked for."""
        certificate = read(text)
        signed = certificate.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
        if signed.decode() != public_key or certificate.type is not SSHCertificateType.USER:
            raise ValueError("it is for another key")
        if certificate.valid_principals != [user.encode()]:
            raise ValueError("it is for somebody else, or not for one user alone")
        options = certificate.critical_options
        if options.get(b"force-command") != self._agent_command.encode():
            raise ValueError(f"its force-command is not {self._agent_command}")
        if not (self._from_anywhere or is_from_somewhere(certificate)):
            raise ValueError("it has no source-address, so whoever steals it can use it anywhere")
        more = forwarding_of(certificate) - ({PORT_FORWARDING} if self._forwarding else set())
        if more:
            raise ValueError(f"it has {b', '.join(sorted(more)).decode()}, which nobody needs")
        return seconds_left(certificate)


def is_from_somewhere(certificate: SSHCertificate) -> bool:
    """Whether it says from where it may be used, and that is not everywhere."""
    said = certificate.critical_options.get(b"source-address", b"").decode(errors="replace")
    try:
        networks = [ipaddress.ip_network(one.strip(), strict=False) for one in said.split(",")]
    except ValueError:
        return False
    return all(network.prefixlen > 0 for network in networks)


def forwarding_of(certificate: SSHCertificate) -> set[bytes]:
    """What it lets be forwarded."""
    return {name for name in FORWARDING if name in certificate.extensions}


def seconds_left(certificate: SSHCertificate) -> float:
    """For how long from its signing a certificate is good. ValueError if that is for too long.

    When it was signed is the authority's to say, since its clock and the hub's may differ. Of one
    that does not say, it is now.
    """
    span = certificate.valid_before - certificate.valid_after
    # What it has before the moment of its signing is there for login nodes whose clocks are slow.
    if span > LIFETIME_SECONDS + CLOCK_SKEW_SECONDS:
        raise ValueError(f"it lasts {span} s, and not {LIFETIME_SECONDS}")
    moment = moment_of(certificate.key_id.decode(errors="replace"))
    now, apart = (time.time(), CLOCKS_APART_SECONDS) if moment is None else (moment, 0)
    left = certificate.valid_before - now
    if left > LIFETIME_SECONDS + apart:
        raise ValueError(
            f"it is good for {left:.0f} s from now, and not for {LIFETIME_SECONDS}, unless this "
            "host's clock is slow"
        )
    return min(left, LIFETIME_SECONDS)


def read(text: str) -> SSHCertificate:
    """An OpenSSH certificate whose signature is right. ValueError if it is none."""
    certificate = load_ssh_public_identity(text.strip().encode())
    if not isinstance(certificate, SSHCertificate):
        raise ValueError("it is a key and no certificate")
    try:
        certificate.verify_cert_signature()
    except InvalidSignature:
        raise ValueError("its signature is wrong") from None
    return certificate
