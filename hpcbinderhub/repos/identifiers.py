"""Names that outlive addresses: DOIs, Software Heritage's ids, and records' own pages; and what
tells, by an address alone, that no server has the repository.

Pure functions of the text. A record is kept by one address, which also opens in a browser; what an
archive calls it can be read back from there.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from ..errors import UserError

DOI_ORG = "https://doi.org/"
HYDROSHARE = "https://www.hydroshare.org/resource/"
HERITAGE = "https://archive.softwareheritage.org/"
PUSHED = "pushed://"
"""Before the owner and the name of what was pushed. Git knows nobody who speaks this."""

IMAGE = "oci://"
"""Before the name of an image in a registry, with its digest."""

_DOI = re.compile(
    r"^(?:doi:\s*|https?://(?:dx\.|www\.)?doi\.org/)?(10\.\d{4,9}/\S+)$", re.IGNORECASE
)
_DOI_CHARACTERS = re.compile(r"[A-Za-z0-9./_;()\-:+]{1,200}")
_SWHID = re.compile(r"swh:1:(?P<kind>[a-z]{3}):(?P<id>[0-9a-f]{40})")
_DATASET = re.compile(r"/dataset/(?!.*\.git$)[^/]+")
_FORGES = ("github.com", "gist.github.com", "gitlab.com")
_HYDROSHARE_ID = re.compile(r"[0-9a-f]{32}")
_ARCHIVES = (
    ("zenodo", re.compile(r"^10\.5281/zenodo\.\d+$", re.IGNORECASE)),
    ("figshare", re.compile(r"^10\.\d+/.*figshare\.\d+(\.v\d+)?$", re.IGNORECASE)),
    ("hydroshare", re.compile(r"^10\.4211/hs\.", re.IGNORECASE)),
    ("dataverse", re.compile(r"^10\.7910/", re.IGNORECASE)),
)


def doi_in(text: str) -> str | None:
    """The DOI that a text is, however it is written."""
    found = _DOI.match(text.strip())
    return found[1] if found else None


def doi_address(text: str) -> str:
    """Where a DOI is looked up."""
    doi = (doi_in(text) or "").rstrip("./")
    if not doi_in(doi) or not _DOI_CHARACTERS.fullmatch(doi) or "/.." in doi or "//" in doi:
        raise UserError(f"“{text[:120]}” is not a DOI.", "A DOI looks like 10.5281/zenodo.3242074.")
    return DOI_ORG + doi


def archive_of_doi(doi: str) -> str:
    """The archive that a DOI's own letters name; else `doi`, and where it leads will tell."""
    for archive, pattern in _ARCHIVES:
        if pattern.match(doi):
            return archive
    return "doi"


def is_swhid(text: str) -> bool:
    """Whether a text means to be one of Software Heritage's ids."""
    return text.startswith("swh:")


def swhid_address(text: str) -> str:
    """The page of an object in Software Heritage. What stands after the id, the place where it was
    seen, does not change what it is."""
    core = text.strip().partition(";")[0].rstrip("/")
    found = _SWHID.fullmatch(core)
    if not found:
        raise UserError(
            f"“{text[:120]}” is not an id of Software Heritage.",
            "It looks like swh:1:rev: or swh:1:dir: and forty hexadecimal digits.",
        )
    if found["kind"] not in ("dir", "rev", "rel"):
        raise UserError(
            "Only directories, revisions and releases of Software Heritage can be launched.",
            "On the page in Software Heritage, “Permalinks” has the id of its directory.",
        )
    return HERITAGE + core


def hydroshare_address(text: str) -> str:
    """The page of a resource of HydroShare, from its id, its page or its DOI."""
    if doi_in(text):
        return doi_address(text)
    found = _HYDROSHARE_ID.search(text)
    if not found:
        raise UserError(
            f"“{text[:120]}” is not a resource of HydroShare.",
            "Paste the address of its page, or the 32 letters and digits of its id.",
        )
    return HYDROSHARE + found[0]


def looks_like_dataset(url: str) -> bool:
    """Whether an address has the shape that CKAN gives a dataset's page; who serves it may be
    something else."""
    parts = urlsplit(url)
    return parts.hostname not in _FORGES and bool(_DATASET.search(parts.path))


def may_be_record(url: str) -> bool:
    """Whether an address is of an archive's record, or at least may be."""
    kept = (DOI_ORG, HYDROSHARE, HERITAGE + "swh:")
    return url.startswith(kept) or looks_like_dataset(url)


def is_pushed(url: str) -> bool:
    """Whether an address is of a repository that a user has pushed."""
    return url.startswith(PUSHED)


def is_path(url: str) -> bool:
    """Whether an address is a path on the cluster's storage."""
    return url.startswith("/")


def is_image(url: str) -> bool:
    """Whether an address is of an image in a registry."""
    return url.startswith(IMAGE)


def page_of(repo_url: str, commit: str) -> str:
    """The page that shows a commit to people, if there is one. A record's shows the record."""
    if is_pushed(repo_url) or is_path(repo_url) or is_image(repo_url):
        return ""
    return repo_url if may_be_record(repo_url) else f"{repo_url}/tree/{commit}"
