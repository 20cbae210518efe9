"""Whatever was pasted: the address of a repository, of a page or a file in it, or a launch link.

Pure functions of the text. A page's address names a branch and a file; where a branch's own name
has slashes, what stands first is taken for the branch.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote, urlsplit

from ..errors import UserError
from .opening import file_to_open
from .spec import RepoSpec, any_git, checked_url, gist, github, gitlab, parse_link

_DOI = re.compile(r"^(doi:|https?://(dx\.)?doi\.org/|10\.\d{4,}/)", re.IGNORECASE)
_LAUNCH_LINK = re.compile(r"^(?:/services/[^/]+)?/v2/(?P<provider>[a-z]+)/(?P<spec>.+)$")
_SSH = re.compile(r"^(ssh://|git@|[\w.-]+@[\w.-]+:)")
_SHORT = re.compile(r"^[\w-]+/[\w.-]+$")


@dataclass(frozen=True)
class Pasted:
    """What was pasted: the repository, and the file in it if the address named one."""

    spec: RepoSpec
    file: str = ""


def parse_pasted(text: str, ref: str = "") -> Pasted:
    """What the text says. A ref that is given beside it counts more than one in it."""
    text = text.strip()
    if _SSH.match(text):
        raise UserError(
            "Repositories over SSH cannot be launched yet.",
            "Paste its https address.",
        )
    if _DOI.match(text):
        raise UserError(
            "Records with a DOI cannot be launched yet.",
            "Paste the address of the Git repository that the record was made from.",
        )
    if _SHORT.match(text):
        text = f"https://github.com/{text}"
    parts = urlsplit(checked_url(text))
    link = _LAUNCH_LINK.match(parts.path)
    if link:
        return _launch_link(link["provider"], link["spec"], parts.query, ref)
    read = _PAGES.get((parts.hostname or "").removeprefix("www."))
    if read is None:
        return Pasted(any_git(text, ref))
    return read([unquote(part) for part in parts.path.split("/") if part], ref)


def _launch_link(provider: str, spec: str, query: str, ref: str) -> Pasted:
    """A link of this hub's or another Binder's: the same words mean the same here."""
    found = parse_link(provider, spec)
    named = {name: values[-1] for name, values in parse_qs(query).items()}
    file = file_to_open(*(named.get(name, "") for name in ("labpath", "filepath", "urlpath")))
    return Pasted(found.at(ref) if ref else found, file)


def _of_github(parts: list[str], ref: str) -> Pasted:
    if len(parts) < 2:
        raise UserError(
            "This is a page of GitHub, but not a repository.",
            "Paste an address like https://github.com/ORGANISATION/REPOSITORY.",
        )
    named, file = _named(parts[2:])
    return Pasted(github(parts[0], parts[1], ref or named), file)


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
    named, file = _named(["raw", *parts[2:]])
    return Pasted(github(parts[0], parts[1], ref or named), file)


def _of_gitlab(parts: list[str], ref: str) -> Pasted:
    """Groups nest, so a dash of its own divides a project's path from its pages."""
    at = parts.index("-") if "-" in parts else len(parts)
    named, file = _named(parts[at + 1 :])
    return Pasted(gitlab("/".join(parts[:at]), ref or named), file)


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
