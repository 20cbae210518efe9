"""A record as every archive is read: one version of it, and its files."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol


@dataclass(frozen=True)
class RecordFile:
    """One file of a record."""

    path: str
    url: str
    size: int | None = None
    checksum: str = ""
    """`ALGORITHM:HEX`, if the archive says one."""


@dataclass(frozen=True)
class Record:
    """One version of a record."""

    name: str
    """The archive, the record and its version, in words that stay as they are."""
    published: datetime
    files: tuple[RecordFile, ...]

    @property
    def moment(self) -> int:
        """When it was published, in seconds since 1970; a time without a zone is UTC."""
        aware = self.published if self.published.tzinfo else self.published.replace(tzinfo=UTC)
        return max(0, int(aware.timestamp()))

    @property
    def fingerprint(self) -> str:
        """The same for the same version, and for no other. Addresses of files may come and go."""
        files = sorted((file.path, file.size, file.checksum) for file in self.files)
        told = json.dumps([self.name, self.moment, files])
        return hashlib.sha256(told.encode()).hexdigest()


class Archive(Protocol):
    """Somebody who keeps records."""

    def identify(self, url: str) -> str | None:
        """What this archive calls the record at an address, if it is one of its own. Looks at the
        address alone."""

    async def record(self, name: str) -> Record | None:
        """The record; None if the address only looked like one."""


def checksum(algorithm: str, value: str | None) -> str:
    """An archive's checksum as `RecordFile` has it. Archives write SHA-1 and sha1 alike."""
    return f"{algorithm.lower().replace('-', '')}:{value.lower()}" if value else ""
