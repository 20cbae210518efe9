"""Dataverse, wherever it runs, through its native and its data access API."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import parse_qs, quote, urlsplit

from pydantic import BaseModel

from ...errors import NotFound
from ..web import Web
from .record import Record, RecordFile, checksum

_PAGES = ("/dataset.xhtml", "/citation", "/file.xhtml")


class Checksum(BaseModel):
    """A checksum, of the file as it was uploaded."""

    type: str
    value: str


class DataFile(BaseModel):
    """What was uploaded, and what Dataverse made of it."""

    id: int
    filesize: int | None = None
    checksum: Checksum | None = None
    originalFileName: str | None = None
    originalFileSize: int | None = None


class File(BaseModel):
    """A file's place in the dataset."""

    label: str
    directoryLabel: str = ""
    restricted: bool = False
    dataFile: DataFile


class Version(BaseModel):
    """A published version."""

    datasetPersistentId: str = ""
    versionNumber: int
    versionMinorNumber: int
    releaseTime: datetime
    files: list[File] = []


class Dataset(BaseModel):
    """The part of a dataset that is read."""

    latestVersion: Version


class DatasetAnswer(BaseModel):
    """Dataverse's envelope."""

    data: Dataset


class Owner(BaseModel):
    """The dataset that a file is in."""

    datasetVersion: Version


class FileAnswer(BaseModel):
    """Dataverse's envelope."""

    data: Owner


class Dataverse:
    """See the module."""

    def __init__(self, web: Web):
        self._web = web

    def identify(self, url: str) -> str | None:
        """The page's own address: it says where this Dataverse is, and the dataset's name."""
        parts = urlsplit(url)
        named = "persistentId" in parse_qs(parts.query)
        return url if named and parts.path.endswith(_PAGES) else None

    async def record(self, name: str) -> Record:
        """The dataset's latest published version."""
        parts = urlsplit(name)
        base = f"{parts.scheme}://{parts.netloc}{parts.path.rpartition('/')[0]}"
        dataset = parse_qs(parts.query)["persistentId"][0]
        try:
            version = await self._latest(base, dataset)
        except NotFound:
            dataset = await self._dataset_of_file(base, dataset)
            version = await self._latest(base, dataset)
        number = f"{version.versionNumber}.{version.versionMinorNumber}"
        return Record(
            f"Dataverse {dataset} version {number}",
            version.releaseTime,
            tuple(_file(base, file) for file in version.files if not file.restricted),
        )

    async def _latest(self, base: str, dataset: str) -> Version:
        query = f"persistentId={quote(dataset, safe=':/')}"
        url = f"{base}/api/datasets/:persistentId/?{query}"
        return (await self._web.read(url, DatasetAnswer)).data.latestVersion

    async def _dataset_of_file(self, base: str, file: str) -> str:
        """Files have DOIs too."""
        query = f"persistentId={quote(file, safe=':/')}&returnDatasetVersion=true"
        url = f"{base}/api/files/:persistentId/?{query}"
        return (await self._web.read(url, FileAnswer)).data.datasetVersion.datasetPersistentId


def _file(base: str, file: File) -> RecordFile:
    """A table as it was uploaded, not as Dataverse rewrote it: that is what programs were written
    for, and what the checksum is of."""
    data = file.dataFile
    url = f"{base}/api/access/datafile/{data.id}"
    name, size = file.label, data.filesize
    if data.originalFileName:
        url, name, size = f"{url}?format=original", data.originalFileName, data.originalFileSize
    path = "/".join(part for part in (file.directoryLabel.strip("/"), name) if part)
    known = checksum(data.checksum.type, data.checksum.value) if data.checksum else ""
    return RecordFile(path, url, size, known)
