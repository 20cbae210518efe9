"""What a user pasted or a link says, as a checked value.

Nothing here touches the network. What passes is safe to hand to Git as an argument: it never starts
with a dash and holds no control characters. What is not over HTTP(S), a path or something that was
pushed, is never handed to Git as an address.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from urllib.parse import quote, unquote, urlsplit

from ..errors import UserError
from ..images.registry.reference import parse
from .identifiers import (
    DOI_ORG,
    HERITAGE,
    HYDROSHARE,
    IMAGE,
    PUSHED,
    doi_address,
    hydroshare_address,
    is_path,
    looks_like_dataset,
    swhid_address,
)

DEFAULT_REF = "HEAD"

# What `git check-ref-format` refuses, and a leading dash or plus, which Git's commands could read
# as something else than a name.
_BAD_REF = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|\.lock(/|$)|(^|/)\.|\.$|/$|^[-+/@]")
_RECORDS = ("zenodo", "figshare", "dataverse", "hydroshare", "doi", "swh", "ckan")
_BAD_PATH = re.compile(r"[\x00-\x1f\x7f]|//|(^|/)\.\.?(/|$)")
_FULL_COMMIT = re.compile(r"[0-9a-f]{40}")
_GITHUB_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")
_GITLAB_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]{0,99}")
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,252}[A-Za-z0-9])?")

# Together, and percent-encoded as a link has them, they fit into what a launch may hold.
_MAX_ADDRESS = 1000
_MAX_PROJECT = 255
_MAX_REF = 250


@dataclass(frozen=True)
class RepoSpec:
    """A repository and a ref in it, as a provider names them."""

    provider: str
    """`gh` for GitHub, `gl` for GitLab, `gist`, and `git` for any other address; the archive that a
    record is in, `doi` if only following it will tell which; `pushed` for what a user has sent,
    `path` for what lies on the cluster's storage, and `oci` for an image in a registry."""

    repo_url: str
    ref: str

    @property
    def path(self) -> str:
        """Provider and spec as in a link: `gh/org/repo/ref`, `git/<quoted URL>/ref`,
        `zenodo/<DOI>`, `pushed/<user>/<name>/ref`, `path/<quoted path>/ref`,
        `oci/<registry>/<name>@<digest>`."""
        if self.is_record:
            return f"{self.provider}/{_record_words(self.repo_url)}"
        if self.provider == "oci":
            return f"oci/{self.repo_url.removeprefix(IMAGE)}"
        ref = quote(self.ref, safe="/")
        if self.provider == "pushed":
            return f"pushed/{self.repo_url.removeprefix(PUSHED)}/{ref}"
        path = urlsplit(self.repo_url).path.strip("/")
        if self.provider in ("gh", "gist"):
            return f"{self.provider}/{path}/{ref}"
        named = path if self.provider == "gl" else self.repo_url
        return f"{self.provider}/{quote(named, safe='')}/{ref}"

    @property
    def is_record(self) -> bool:
        """Whether this is an archive's record, which has versions of its own and no refs."""
        return self.provider in _RECORDS

    def at(self, ref: str) -> RepoSpec:
        """The same repository at another ref."""
        ref = checked_ref(ref)
        if self.is_record and ref != DEFAULT_REF:
            raise UserError(
                "A record has no branches or tags.",
                "Leave that field empty; another version has an address of its own.",
            )
        if self.provider == "oci" and ref != DEFAULT_REF:
            raise UserError(
                "An image has no branches, and its tag is not what is launched.",
                "Leave that field empty; another image has another digest.",
            )
        return replace(self, ref=ref)


def parse_link(provider: str, spec: str) -> RepoSpec:
    """A spec as it stands in a link, still percent-encoded where the link had it so."""
    if provider in ("gh", "gist"):
        parts = unquote(spec).strip("/").split("/", 2)
        if len(parts) < 2:
            raise UserError(
                "A GitHub link needs an organisation and a repository.",
                "It looks like gh/ORGANISATION/REPOSITORY/REF, or gist/USER/ID/REF.",
            )
        make = github if provider == "gh" else gist
        return make(parts[0], parts[1], parts[2] if len(parts) > 2 else "")
    if provider in _BY_ADDRESS:
        address, _, ref = spec.strip("/").partition("/")
        return _BY_ADDRESS[provider](unquote(address), unquote(ref))
    if provider == "pushed":
        owner, name, ref = [unquote(part) for part in f"{spec.strip('/')}//".split("/", 2)]
        return pushed(owner, name, ref.strip("/"))
    if provider in _RECORDS:
        return record(provider, unquote(spec).strip("/"))
    if provider == "oci":
        return image(unquote(spec).strip("/"))
    raise UserError(
        f"Repositories of the kind “{provider}” cannot be launched here.",
        "Use gh (GitHub), gl (GitLab), gist, git (any Git address over https), path (on the "
        "cluster's storage), pushed, oci (an image by its digest), or an archive: "
        f"{', '.join(_RECORDS)}.",
    )


def github(organisation: str, repository: str, ref: str) -> RepoSpec:
    """A repository on GitHub."""
    repository = _without_git(repository)
    for name in (organisation, repository):
        if not _GITHUB_NAME.fullmatch(name):
            raise UserError(
                f"“{name[:120]}” is not a name on GitHub.",
                "Copy the address from the repository's page.",
            )
    return RepoSpec("gh", f"https://github.com/{organisation}/{repository}", checked_ref(ref))


def gitlab(project: str, ref: str) -> RepoSpec:
    """A repository on GitLab; groups nest."""
    project = _without_git(project.strip("/"))
    names = project.split("/")
    fine = len(project) <= _MAX_PROJECT and all(_GITLAB_NAME.fullmatch(name) for name in names)
    if len(names) < 2 or not fine:
        raise UserError(
            f"“{project[:120]}” is not a project on GitLab.",
            "Paste an address like https://gitlab.com/GROUP/PROJECT.",
        )
    return RepoSpec("gl", f"https://gitlab.com/{project}", checked_ref(ref))


def gist(user: str, name: str, ref: str) -> RepoSpec:
    """A gist, which is a repository like any other."""
    name = _without_git(name)
    if not _GITHUB_NAME.fullmatch(user) or not re.fullmatch(r"[0-9a-f]{5,64}", name):
        raise UserError(
            f"“{user[:60]}/{name[:64]}” is not a gist.",
            "Paste an address like https://gist.github.com/USER/ID.",
        )
    return RepoSpec("gist", f"https://gist.github.com/{user}/{name}", checked_ref(ref))


def any_git(url: str, ref: str) -> RepoSpec:
    """A repository at any address that Git understands over HTTP(S)."""
    return RepoSpec("git", checked_url(url), checked_ref(ref))


def pushed(owner: str, name: str, ref: str) -> RepoSpec:
    """A repository that a user has sent from a clone of hers."""
    if not owner or not _GITHUB_NAME.fullmatch(name):
        raise UserError(
            f"“{name[:100]}” cannot be the name of a pushed repository.",
            "Use up to 100 letters, digits, dots, dashes and underscores.",
        )
    return RepoSpec("pushed", f"{PUSHED}{quote(owner, safe='')}/{name}", checked_ref(ref))


def on_storage(path: str, ref: str) -> RepoSpec:
    """A repository on the cluster's storage, by its path there."""
    found = path.strip().rstrip("/")
    if not is_path(found) or _BAD_PATH.search(found) or len(found) > 1000:
        raise UserError(
            f"“{path[:120]}” is not the path of a repository.",
            "Paste the whole path, as `pwd` prints it in the repository.",
        )
    return RepoSpec("path", found, checked_ref(ref))


def image(name: str) -> RepoSpec:
    """An image in a registry, by its digest: a tag may stand for another one tomorrow."""
    found = parse(name)
    if found.digest is None:
        raise UserError(
            f"{found} names an image by a tag, which may be another image tomorrow.",
            f"Name it by its digest, as {found.host}/{found.repository}@sha256:…; "
            "`skopeo inspect` prints it.",
        )
    return RepoSpec("oci", f"{IMAGE}{found}", DEFAULT_REF)


def record(provider: str, words: str) -> RepoSpec:
    """An archive's record, by what the archive calls it."""
    if provider == "ckan":
        address = checked_url(words)
        if not looks_like_dataset(address):
            raise UserError(
                f"“{address[:120]}” is not the address of a dataset in CKAN.",
                "It looks like https://HOST/dataset/NAME.",
            )
    elif provider == "swh":
        address = swhid_address(words)
    elif provider == "hydroshare":
        address = hydroshare_address(words)
    else:
        address = doi_address(words)
    return RepoSpec(provider, address, DEFAULT_REF)


_BY_ADDRESS: Mapping[str, Callable[[str, str], RepoSpec]] = {
    "git": any_git,
    "gl": gitlab,
    "path": on_storage,
}


def _without_git(name: str) -> str:
    """A name without the ending that addresses may have; once or more, so that what is left means
    the same when it is read again."""
    while name.endswith(".git"):
        name = name.removesuffix(".git")
    return name


def _record_words(address: str) -> str:
    for kept in (DOI_ORG, HYDROSHARE, HERITAGE):
        if address.startswith(kept):
            return quote(address.removeprefix(kept), safe="/:;()+")
    return quote(address, safe="")


def is_full_commit(ref: str) -> bool:
    """Whether this names a commit for good."""
    return bool(_FULL_COMMIT.fullmatch(ref))


def checked_ref(ref: str) -> str:
    """A branch, tag or commit; HEAD if none is given."""
    ref = ref.strip() or DEFAULT_REF
    if not ref.isprintable() or len(ref.encode()) > _MAX_REF or _BAD_REF.search(ref):
        raise UserError(
            f"“{ref[:80]}” cannot be the name of a branch, tag or commit.",
            "Leave the field empty for the repository's default branch.",
        )
    return ref


def checked_url(url: str, longest: int = _MAX_ADDRESS) -> str:
    """An address over HTTP(S) that is safe to hand to Git."""
    try:
        parts = urlsplit(url)
        port_is_fine = parts.port is None or parts.port > 0
    except ValueError:
        parts, port_is_fine = urlsplit(""), False
    printable = url.isprintable() and not re.search(r"[\s'\"`\\<>|{}]", url)
    if "@" in parts.netloc:
        raise UserError(
            "This address holds a user name or password.",
            "Never put credentials into an address: enter them on the page “Yours”.",
        )
    # A letter that is ASCII only in lower case is looked up under one name, and reached by another.
    host_is_fine = parts.netloc.isascii() and _HOST.fullmatch(parts.hostname or "")
    fine = printable and port_is_fine and host_is_fine and len(quote(url, "")) <= longest
    if parts.scheme not in ("http", "https") or not fine or not parts.path.strip("/"):
        raise UserError(
            f"“{url[:120]}” is not the address of a Git repository.",
            "Paste an address that starts with https://, as you would give it to `git clone`.",
        )
    return url.rstrip("/")


PROVIDERS = ("gh", "gist", *_BY_ADDRESS, "pushed", "oci", *_RECORDS)
"""All kinds of repositories, as links name them."""
