"""Whatever was pasted: the address of a repository, of a page or a file in it, a DOI, a path on the
cluster's storage, an image in a registry, or a launch link.

Pure functions of the text. A page's address names a branch and a file with nothing but a slash
between them, and a branch's own name may have slashes, so `Pasted` says where the text left that
open; what stands first counts as the branch until the repository was asked.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote, urlsplit

from ..errors import UserError
from .identifiers import archive_of_doi, doi_in, is_path, is_swhid
from .opening import what_to_open
from .record_pages import record_on_page
from .spec import (
    RepoSpec,
    any_git,
    checked_url,
    gist,
    github,
    gitlab,
    image,
    is_full_commit,
    on_storage,
    parse_link,
    record,
)

_LAUNCH_LINK = re.compile(r"^(?:/services/[^/]+)?/v2/(?P<provider>[a-z]+)/(?P<spec>.+)$")
_SSH = re.compile(
    r"^(?:ssh://(?:[\w.-]+@)?(?P<host>[\w.-]+)(?::\d+)?/|[\w.-]+@(?P<scp_host>[\w.-]+):)(?P<path>.*)$"
)
_SSH_FORGES = ("github.com", "gitlab.com", "gist.github.com", "bitbucket.org", "codeberg.org")
_SHORT = re.compile(r"^[\w-]+/[\w.-]+$")
_MAX_PAGE = 6000
"""A launch link holds an address in an address."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True)
class Pasted:
    """What was pasted: the repository, and the file in it if the address named one."""

    spec: RepoSpec
    file: str = ""
    is_open: bool = False
    """Whether the ref may go on in what is taken for the file."""

    def __post_init__(self) -> None:
        if _CONTROL.search(self.file):
            raise UserError(
                "This address names a file with a line break or another control character.",
                "Rename the file, or paste the address of its repository.",
            )


def parse_pasted(text: str, ref: str = "") -> Pasted:
    """What the text says. A ref that is given beside it counts more than one in it."""
    text = without_ssh(text.strip())
    if is_path(text):
        return Pasted(on_storage(text, ref))
    if text.startswith("oci:"):
        return Pasted(image(text.removeprefix("oci:").removeprefix("//")).at(ref))
    if is_swhid(text):
        return Pasted(record("swh", text).at(ref))
    doi = doi_in(text)
    if doi:
        return Pasted(record(archive_of_doi(doi), doi).at(ref))
    if _SHORT.match(text):
        text = f"https://github.com/{text}"
    parts = urlsplit(checked_url(text, _MAX_PAGE))
    link = _LAUNCH_LINK.match(parts.path)
    if link:
        return _launch_link(link["provider"], link["spec"], parts.query, ref)
    read = _PAGES.get((parts.hostname or "").removeprefix("www."))
    if read:
        return read([unquote(part) for part in parts.path.split("/") if part], ref)
    found = record_on_page(text)
    return Pasted(found.at(ref) if found else any_git(text, ref))


def without_ssh(text: str) -> str:
    """The https address of a forge that has one for every SSH address."""
    found = _SSH.match(text)
    if not found:
        return text
    host = (found["host"] or found["scp_host"]).lower()
    if host not in _SSH_FORGES:
        raise UserError(
            f"Repositories over SSH cannot be launched, and what {host} is called over https is "
            "not known here.",
            "Paste its https address, with a token of yours for the host on the page “Yours” if it "
            "is private; or send your own clone with `hpcbinderhub push`.",
        )
    return f"https://{host}/{found['path'].lstrip('/')}"


def _launch_link(provider: str, spec: str, query: str, ref: str) -> Pasted:
    """A link of this hub's or another Binder's: the same words mean the same here."""
    found = parse_link(provider, spec)
    named = {name: values[-1] for name, values in parse_qs(query).items()}
    file = what_to_open(*(named.get(name, "") for name in ("labpath", "filepath", "urlpath")))
    return Pasted(found.at(ref) if ref else found, file)


def _of_github(parts: list[str], ref: str) -> Pasted:
    if len(parts) < 2:
        raise UserError(
            "This is a page of GitHub, but not a repository.",
            "Paste an address like https://github.com/ORGANISATION/REPOSITORY.",
        )
    return _page(github(parts[0], parts[1], ref), parts[2:], ref)


def _page(spec: RepoSpec, page: list[str], ref: str) -> Pasted:
    """A page of a repository. A ref that is given says by itself where the file begins."""
    named, file = _named(page)
    if not ref:
        settled = not file or named in ("main", "master", "HEAD") or is_full_commit(named)
        return Pasted(spec.at(named), file, not settled)
    whole = f"{named}/{file}"
    return Pasted(spec, whole.removeprefix(f"{ref}/") if whole.startswith(f"{ref}/") else file)


def _named(page: list[str]) -> tuple[str, str]:
    """The ref and the file that a page of a repository is about."""
    match page:
        case ["tree" | "blob" | "raw" | "blame" | "edit", "refs", "heads" | "tags", ref, *path]:
            return ref, "/".join(path)
        case ["tree" | "blob" | "raw" | "blame" | "edit", ref, *path]:
            return ref, "/".join(path)
        case ["commit" | "commits", ref, *_]:
            return ref, ""
        case ["releases", "tag", ref]:
            return ref, ""
        case ["pull" | "merge_requests", *_]:
            raise UserError(
                "Pull requests cannot be launched yet.",
                "Paste the address of the branch that it comes from.",
            )
    return "", ""


def _of_raw_github(parts: list[str], ref: str) -> Pasted:
    if len(parts) < 4:
        return _of_github(parts, ref)
    return _page(github(parts[0], parts[1], ref), ["raw", *parts[2:]], ref)


def _of_gitlab(parts: list[str], ref: str) -> Pasted:
    """Groups nest, so a dash of its own divides a project's path from its pages."""
    at = parts.index("-") if "-" in parts else len(parts)
    return _page(gitlab("/".join(parts[:at]), ref), parts[at + 1 :], ref)


def _of_gist(parts: list[str], ref: str) -> Pasted:
    if len(parts) < 2:
        raise UserError(
            "This is a page of GitHub's gists, but not a gist.",
            "Paste an address like https://gist.github.com/USER/ID.",
        )
    revision = parts[2] if len(parts) == 3 and re.fullmatch(r"[0-9a-f]{7,40}", parts[2]) else ""
    return Pasted(gist(parts[0], parts[1], ref or revision))


_PAGES: dict[str, Callable[[list[str], str], Pasted]] = {
    "github.com": _of_github,
    "raw.githubusercontent.com": _of_raw_github,
    "gitlab.com": _of_gitlab,
    "gist.github.com": _of_gist,
}
