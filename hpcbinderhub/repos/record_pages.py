"""The pages on which archives show their records.

Pure functions of the address. Dataverse and CKAN run at many places, so theirs are known by their
shape.
"""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

from .identifiers import HERITAGE, doi_in, looks_like_dataset
from .spec import RepoSpec, record

_ZENODO = re.compile(r"^/(?:records?/|doi/10\.5281/zenodo\.)(?P<id>\d+)(?:/|$)")
_FIGSHARE = re.compile(r"^/articles/(?:[^/]+/)*?(?P<id>\d{4,})(?:/(?P<version>\d+))?/?$")
_HYDROSHARE = re.compile(r"^/resource/(?P<id>[0-9a-f]{32})(?:/|$)")
_HERITAGE = re.compile(r"^/(?:browse/)?(?P<id>swh:1:.+)$")
_BROWSED = re.compile(r"^/browse/(?P<kind>directory|revision|release)/(?P<id>[0-9a-f]{40})/")
_DATASET = re.compile(r"^(?P<dataset>.*/dataset/[^/]+)(?P<version>/history/[^/]+)?")


def record_on_page(url: str) -> RepoSpec | None:
    """The record that a page shows, if the page is an archive's."""
    parts = urlsplit(url)
    host = (parts.hostname or "").removeprefix("www.")
    if host == "zenodo.org" and (found := _ZENODO.match(parts.path)):
        return record("zenodo", f"10.5281/zenodo.{found['id']}")
    figshare = host == "figshare.com" or host.endswith(".figshare.com")
    if figshare and (found := _FIGSHARE.match(parts.path)):
        version = f".v{found['version']}" if found["version"] else ""
        return record("figshare", f"10.6084/m9.figshare.{found['id']}{version}")
    if host == "hydroshare.org" and (found := _HYDROSHARE.match(parts.path)):
        return record("hydroshare", found["id"])
    if url.startswith(HERITAGE):
        return _of_heritage(parts.path)
    persistent = parse_qs(parts.query).get("persistentId", [""])[0]
    if doi_in(persistent):
        return record("dataverse", persistent)
    if looks_like_dataset(url):
        return _of_ckan(url)
    return None


def _of_heritage(path: str) -> RepoSpec | None:
    found = _BROWSED.match(path)
    if found:
        return record("swh", f"swh:1:{found['kind'][:3]}:{found['id']}")
    named = _HERITAGE.match(path)
    return record("swh", named["id"]) if named else None


def _of_ckan(url: str) -> RepoSpec | None:
    """A dataset, or one of its past versions; pages of its parts are about the whole."""
    parts = urlsplit(url)
    found = _DATASET.match(parts.path)
    if not found:
        return None
    version = parse_qs(parts.query).get("activity_id", [""])[0]
    path = found["dataset"] + (found["version"] or "")
    query = f"?activity_id={version}" if version else ""
    return record("ckan", f"{parts.scheme}://{parts.netloc}{path}{query}")
