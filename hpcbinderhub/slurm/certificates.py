"""Short-lived SSH certificates: how the hub may act as a user without holding anyone's key.

The hub makes a key pair in memory and asks somebody else to sign its public half for one user, for
minutes, tied to one command. Who that somebody is, is the site's choice (`certificate_command`);
`signing` is the one that is shipped.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import asyncssh

from ..errors import Unavailable
from .signing import LIFETIME_SECONDS

RENEW_BEFORE_SECONDS = 60


@dataclass(frozen=True)
class Credential:
    """A key pair of the hub's and the certificate that makes it somebody's for some minutes; or an
    account's own key."""

    key: asyncssh.SSHKey
    certificate: asyncssh.SSHCertificate | None
    expires: float


class Credentials(Protocol):
    """Knows what makes a connection somebody's."""

    async def credential(self, user: str) -> Credential:
        """What opens a connection as `user` for the next minute."""
        ...


class KeyFile:
    """One account's own key, for a process that acts as nobody else."""

    def __init__(self, path: str | Path):
        self._path = Path(path)

    async def credential(self, user: str) -> Credential:
        """The key, as it is in the file now."""
        try:
            text = await asyncio.to_thread(self._path.read_text)
            return Credential(asyncssh.import_private_key(text), None, float("inf"))
        except (OSError, asyncssh.KeyImportError) as error:
            raise Unavailable(f"No SSH key for {user}: {error}") from error


class CertificateCommand:
    """Credentials from the site's signing command, kept until shortly before they expire."""

    def __init__(self, command: Sequence[str]):
        self._command = list(command)
        self._credentials: dict[str, Credential] = {}

    async def credential(self, user: str) -> Credential:
        """A credential for `user` that is good for at least a minute."""
        known = self._credentials.get(user)
        if known and known.expires - time.monotonic() > RENEW_BEFORE_SECONDS:
            return known
        key = asyncssh.generate_private_key("ssh-ed25519")
        text = await self._sign(user, key.export_public_key().decode())
        credential = Credential(
            key, asyncssh.import_certificate(text), time.monotonic() + LIFETIME_SECONDS
        )
        self._credentials[user] = credential
        return credential

    async def _sign(self, user: str, public_key: str) -> str:
        process = await asyncio.create_subprocess_exec(
            *self._command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        request = json.dumps({"principal": user, "public_key": public_key})
        out, err = await process.communicate(request.encode())
        if process.returncode != 0:
            raise Unavailable(f"No SSH certificate for {user}: {err.decode().strip()}")
        return out.decode()
