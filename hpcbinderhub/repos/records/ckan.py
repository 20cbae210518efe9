"""CKAN, wherever it runs, through its action API."""

from __future__ import annotations

import re
from collections import Counter
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

from pydantic import BaseModel, ValidationError

from ...errors import NotFound
from ..identifiers import looks_like_dataset
from ..web import NotUnderstood, Web
from .record import Record, RecordFile, checksum

_ADDRESS = re.compile(r"^(?P<prefix>.*)/dataset/(?P<name>[^/]+)(?:/history/(?P<version>[^/]+))?")
_ALGORITHMS = {32: "md5", 40: "sha1", 64: "sha256"}


class Resource(BaseModel):
    """A file of the dataset, or a link to one elsewhere."""

    id: str
    url: str = ""
    size: int | None = None
    hash: str | None = None


class Package(BaseModel):
    """The part of a dataset that is read."""

    id: str
    metadata_modified: datetime
    resources: list[Resource] = []


class Answer(BaseModel):
    """CKAN's envelope. A past version has its dataset one level further in."""

    result: dict[str, Any]


class Ckan:
    """See the module."""

    def __init__(self, web: Web):
        self._web = web

    def identify(self, url: str) -> str | None:
        """The dataset's own address, which says where this CKAN is."""
        return url if looks_like_dataset(url) else None

    async def record(self, name: str) -> Record | None:
        """The dataset as it is, or as the address says that it was. None if this is no CKAN."""
        parts = urlsplit(name)
        found = _ADDRESS.match(parts.path)
        if not found:
            return None
        version = found["version"] or parse_qs(parts.query).get("activity_id", [""])[0]
        if version:
            action, query = "activity_data_show", {"id": version, "object_type": "package"}
        else:
            action, query = "package_show", {"id": unquote(found["name"])}
        base = f"{parts.scheme}://{parts.netloc}{found['prefix']}"
        try:
            answer = await self._web.read(
                f"{base}/api/3/action/{action}?{urlencode(query)}", Answer
            )
            package = Package.model_validate(answer.result.get("package", answer.result))
        except (NotFound, NotUnderstood, ValidationError):
            return None
        files = tuple(_files(package.resources))
        return Record(f"CKAN {package.id} {version}".strip(), package.metadata_modified, files)


def _files(resources: list[Resource]) -> list[RecordFile]:
    """Resources need no names of their own; where two have the same, both are told apart."""
    present = [resource for resource in resources if resource.url]
    names = [_name(resource) for resource in present]
    often = Counter(names)
    return [
        RecordFile(
            name if often[name] == 1 else f"{resource.id}/{name}",
            resource.url,
            resource.size,
            _checksum(resource.hash or ""),
        )
        for name, resource in zip(names, present, strict=True)
    ]


def _name(resource: Resource) -> str:
    return unquote(urlsplit(resource.url).path).rstrip("/").rpartition("/")[2] or resource.id


def _checksum(text: str) -> str:
    """CKAN says only that this is a hash, so its length tells which."""
    digits = text.rpartition(":")[2]
    algorithm = _ALGORITHMS.get(len(digits))
    fine = algorithm and re.fullmatch(r"[0-9A-Fa-f]+", digits)
    return checksum(str(algorithm), digits) if fine else ""
