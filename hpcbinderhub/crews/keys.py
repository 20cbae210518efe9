"""The key and certificate of a crew, and how they are kept.

One pair for the whole crew, its scheduler, its workers and the notebook: each proves to the others
that it holds the key, and accepts that one certificate and no authority's.
"""

from __future__ import annotations

import json

from cryptography.fernet import InvalidToken
from cryptography.x509.oid import ExtendedKeyUsageOID
from pydantic import BaseModel, ConfigDict

from ..credentials.keyring import Keyring
from ..errors import UserError
from ..keypairs import new_pair


class CrewKeys(BaseModel):
    """A crew's certificate and its key, both PEM."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    certificate: str
    key: str

    @classmethod
    def new(cls) -> CrewKeys:
        """For one crew."""
        uses = (ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH)
        pair = new_pair("crew", *uses)
        return cls(certificate=pair.certificate, key=pair.key)


class Seal:
    """Closes what lies in the database. A site without keys for that keeps it as it is."""

    def __init__(self, keyring: Keyring):
        self._keyring = keyring

    async def closed(self, crew: str, keys: CrewKeys) -> str:
        """What is kept. It says of which crew it is, so that it is worth nothing as another's."""
        content = json.dumps([crew, keys.certificate, keys.key])
        if not self._keyring:
            return content
        return (await self._keyring.cipher()).encrypt(content.encode()).decode()

    async def opened(self, crew: str, kept: str) -> CrewKeys:
        """What was closed."""
        try:
            sealed = not kept.startswith("[")
            content = (await self._keyring.cipher()).decrypt(kept).decode() if sealed else kept
            owner, certificate, key = json.loads(content)
        except (InvalidToken, ValueError):
            owner = certificate = key = ""
        if owner != crew:
            raise UserError(
                "The keys of these workers cannot be read: the site's keys have changed.",
                "Close them, and ask for others.",
                status=503,
            )
        return CrewKeys(certificate=certificate, key=key)
