"""Figshare and the institutions that it serves, through its REST API."""

from __future__ import annotations

import re
from datetime import datetime

from pydantic import BaseModel

from ..web import Web
from .record import Record, RecordFile, checksum

_DOI = re.compile(r"doi\.org/10\.\d+/.*figshare\.(\d+)(?:\.v(\d+))?$", re.IGNORECASE)
_PAGE = re.compile(
    r"^https?://(?:[\w-]+\.)*figshare\.com/articles/(?:[^/]+/)*?(\d{4,})(?:/(\d+))?/?$"
)
_PAGE_SIZE = 100


class Article(BaseModel):
    """The part of an article that is read."""

    version: int
    published_date: datetime


class File(BaseModel):
    """One file."""

    name: str
    size: int
    is_link_only: bool = False
    download_url: str
    computed_md5: str = ""


class Figshare:
    """See the module."""

    def __init__(self, web: Web, base: str):
        self._web = web
        self._base = base

    def identify(self, url: str) -> str | None:
        """The article's number, and the version's if the address has one: `9782777/2`."""
        found = _DOI.search(url) or _PAGE.search(url)
        return "/".join(part for part in found.groups() if part) if found else None

    async def record(self, name: str) -> Record:
        """The article in that version, else the latest."""
        number, _, version = name.partition("/")
        address = f"{self._base}/articles/{number}"
        if not version:
            version = str((await self._web.read(address, Article)).version)
        address = f"{address}/versions/{version}"
        article = await self._web.read(address, Article)
        return Record(
            f"Figshare {number} version {version}",
            article.published_date,
            tuple([_file(file) for file in await self._files(address) if not file.is_link_only]),
        )

    async def _files(self, address: str) -> list[File]:
        files: list[File] = []
        while True:
            page = len(files) // _PAGE_SIZE + 1
            query = f"page={page}&page_size={_PAGE_SIZE}"
            more = await self._web.read(f"{address}/files?{query}", list[File])
            files += more
            if len(more) < _PAGE_SIZE:
                return files


def _file(file: File) -> RecordFile:
    return RecordFile(file.name, file.download_url, file.size, checksum("md5", file.computed_md5))
