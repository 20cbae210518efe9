"""HydroShare, through its REST API."""

from __future__ import annotations

import re
from datetime import datetime
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel

from ...errors import UserError
from ..web import Web
from .record import Record, RecordFile, checksum

_RESOURCE = re.compile(
    r"(?:hydroshare\.org/resource/|doi\.org/10\.4211/hs\.)([0-9a-f]{32})", re.IGNORECASE
)
_CONTENTS = "/data/contents/"


class Date(BaseModel):
    """When something happened to a resource."""

    type: str
    start_date: datetime


class Elements(BaseModel):
    """The part of a resource's metadata that is read."""

    dates: list[Date]


class File(BaseModel):
    """One file."""

    url: str
    size: int
    checksum: str | None = None


class Files(BaseModel):
    """One page of the list of files."""

    next: str | None = None
    results: list[File]


class Hydroshare:
    """See the module."""

    def __init__(self, web: Web, base: str):
        self._web = web
        self._base = base

    def identify(self, url: str) -> str | None:
        """The resource's id."""
        found = _RESOURCE.search(url)
        return found[1].lower() if found else None

    async def record(self, name: str) -> Record:
        """The resource as it is: it has no versions but the time of its last change."""
        address = f"{self._base}/hsapi/resource/{name}"
        elements = await self._web.read(f"{address}/scimeta/elements", Elements)
        changed = [date.start_date for date in elements.dates if date.type == "modified"]
        if not changed:
            raise UserError(
                f"HydroShare does not say when {name} was changed, so it has no version.",
                "Tell whoever keeps the resource.",
            )
        files = await self._files(f"{address}/files/")
        return Record(f"HydroShare {name}", changed[0], tuple(_file(file) for file in files))

    async def _files(self, url: str | None) -> list[File]:
        files: list[File] = []
        while url:
            page = await self._web.read(url, Files)
            files += page.results
            url = page.next
        return files


def _file(file: File) -> RecordFile:
    path = unquote(urlsplit(file.url).path.partition(_CONTENTS)[2])
    return RecordFile(path, file.url, file.size, checksum("md5", file.checksum))
