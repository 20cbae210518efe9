"""Zenodo, through InvenioRDM's REST API."""

from __future__ import annotations

import re
from datetime import datetime

from pydantic import BaseModel

from ...errors import NotFound
from ..web import Web
from .record import Record, RecordFile

_PAGE = re.compile(r"^https?://(?:www\.)?zenodo\.org/records?/(\d+)")
_DOI = re.compile(r"(?:doi\.org|zenodo\.org/doi)/10\.5281/zenodo\.(\d+)$", re.IGNORECASE)


class About(BaseModel):
    """The part of a record that is read."""

    id: int | str
    created: datetime


class Links(BaseModel):
    """Where a file is."""

    content: str


class Entry(BaseModel):
    """One file."""

    key: str
    size: int
    checksum: str
    links: Links


class Files(BaseModel):
    """The files of a record."""

    entries: list[Entry] = []


class Zenodo:
    """See the module."""

    def __init__(self, web: Web, base: str):
        self._web = web
        self._base = base

    def identify(self, url: str) -> str | None:
        """The record's number, which its DOI has too."""
        found = _PAGE.search(url) or _DOI.search(url)
        return found[1] if found else None

    async def record(self, name: str) -> Record:
        """The record, or its latest version if the number stands for all versions."""
        try:
            about = await self._about(name)
        except NotFound:
            # The API does not know the number that stands for all versions; the pages do.
            latest = self.identify(await self._latest_page(name))
            if latest in (None, name):
                raise
            about = await self._about(str(latest))
        files = await self._web.read(f"{self._base}/api/records/{about.id}/files", Files)
        return Record(
            f"Zenodo {about.id}",
            about.created,
            tuple(
                RecordFile(entry.key, entry.links.content, entry.size, entry.checksum)
                for entry in files.entries
            ),
        )

    async def _about(self, name: str) -> About:
        return await self._web.read(f"{self._base}/api/records/{name}", About)

    async def _latest_page(self, name: str) -> str:
        """Addresses are read as Zenodo's own, wherever it is asked."""
        moved = await self._web.moved(f"{self._base}/records/{name}") or ""
        return moved.replace(self._base, "https://zenodo.org", 1)
