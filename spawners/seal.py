"""What opens a server, sealed for as long as it lies in the hub's database.

A server's token and the keys to it are part of a spawner's state: copies of the database hold them,
and JupyterHub's API shows them to admins. With the keys that the site has for credentials, both
hold what is of no use without that file.
"""

from __future__ import annotations

import json
import logging
from typing import Any

from cryptography.fernet import InvalidToken

from hpcbinderhub.credentials.keyring import Keyring

from .record import JobRecord

SECRETS = ("token", "hop")
SEALED = "sealed"

log = logging.getLogger(__name__)


class Seal:
    """Of a site: without keys, everything is as plain as the record itself."""

    def __init__(self, keyring: Keyring):
        self._keyring = keyring

    def closed(self, record: JobRecord) -> dict[str, Any]:
        """The record, to be kept."""
        plain = record.model_dump()
        if not self._keyring:
            return plain
        secrets = json.dumps({name: plain.pop(name) for name in SECRETS})
        return plain | {SEALED: self._keyring.load().encrypt(secrets.encode()).decode()}

    def opened(self, kept: dict[str, Any]) -> JobRecord:
        """The record that was kept."""
        plain = {name: value for name, value in kept.items() if name != SEALED}
        if SEALED in kept:
            plain |= self._secrets(kept)
        return JobRecord.model_validate(plain)

    def _secrets(self, kept: dict[str, Any]) -> dict[str, Any]:
        """What no key opens is lost, and its server with it; its job can still be cancelled."""
        try:
            found: dict[str, Any] = json.loads(self._keyring.load().decrypt(kept[SEALED]))
            return found
        except InvalidToken:
            log.error("No key opens what is kept of job %s: nobody reaches its server", kept["id"])
            return {}
