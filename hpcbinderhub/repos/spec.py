"""What a user pasted or a link says, as a checked value.

Nothing here touches the network. What passes is safe to hand to Git as an argument: it never starts
with a dash, names a host over HTTP(S), and holds no control characters.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote, unquote, urlsplit

from ..errors import UserError

DEFAULT_REF = "HEAD"

# What `git check-ref-format` refuses, and a leading dash or plus, which Git's commands could read
# as something else than a name.
_BAD_REF = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|\.lock(/|$)|(^|/)\.|\.$|/$|^[-+/@]")
_GITHUB_NAME = re.compile(r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}$")
_HOST = re.compile(r"^[A-Za-z0-9]([A-Za-z0-9.-]{0,252}[A-Za-z0-9])?$")


@dataclass(frozen=True)
class RepoSpec:
    """A repository and a ref in it, as a provider names them."""

    provider: str
    """`gh` for GitHub, `git` for any other address."""

    repo_url: str
    ref: str

    @property
    def path(self) -> str:
        """Provider and spec as in a link: `gh/org/repo/ref`, `git/<quoted URL>/ref`."""
        ref = quote(self.ref, safe="/")
        if self.provider == "gh":
            return f"gh/{urlsplit(self.repo_url).path.strip('/')}/{ref}"
        return f"git/{quote(self.repo_url, safe='')}/{ref}"


@dataclass(frozen=True)
class Pasted:
    """What was pasted: the repository, and the file in it if the address named one."""

    spec: RepoSpec
    file: str


def parse_link(provider: str, spec: str) -> RepoSpec:
    """A spec as it stands in a link, still percent-encoded where the link had it so."""
    if provider == "gh":
        parts = unquote(spec).strip("/").split("/", 2)
        if len(parts) < 2:
            raise UserError(
                "A GitHub link needs an organisation and a repository.",
                "It looks like gh/ORGANISATION/REPOSITORY/REF.",
            )
        return github(parts[0], parts[1], parts[2] if len(parts) > 2 else "")
    if provider == "git":
        url, _, ref = spec.strip("/").partition("/")
        return any_git(unquote(url), unquote(ref))
    raise UserError(
        f"Repositories of the kind “{provider}” cannot be launched here.",
        "Use gh (GitHub) or git (any Git address over https).",
    )


def parse_pasted(text: str, ref: str = "") -> Pasted:
    """Whatever was pasted: the address of a repository, or of a page or file in it."""
    text = text.strip()
    if re.match(r"^(ssh://|git@|[\w.-]+@[\w.-]+:)", text):
        raise UserError(
            "Repositories over SSH cannot be launched yet.",
            "Paste the https address of a public repository.",
        )
    if re.match(r"^[\w-]+/[\w.-]+$", text):
        text = f"https://github.com/{text}"
    parts = urlsplit(_checked_url(text))
    segments = [segment for segment in unquote(parts.path).split("/") if segment]
    if parts.hostname in ("github.com", "www.github.com"):
        if len(segments) < 2:
            raise UserError(
                "This is a page of GitHub, but not a repository.",
                "Paste an address like https://github.com/ORGANISATION/REPOSITORY.",
            )
        kind, rest = (segments[2:3] or [""])[0], segments[3:]
        named = rest[0] if kind in ("tree", "blob") and rest else ""
        file = "/".join(rest[1:]) if kind in ("tree", "blob") else ""
        return Pasted(github(segments[0], segments[1], ref or named), file)
    return Pasted(any_git(text, ref), "")


def github(organisation: str, repository: str, ref: str) -> RepoSpec:
    """A repository on GitHub."""
    repository = repository.removesuffix(".git")
    for name in (organisation, repository):
        if not _GITHUB_NAME.match(name):
            raise UserError(
                f"“{name}” is not a name on GitHub.",
                "Copy the address from the repository's page.",
            )
    return RepoSpec("gh", f"https://github.com/{organisation}/{repository}", checked_ref(ref))


def any_git(url: str, ref: str) -> RepoSpec:
    """A repository at any address that Git understands over HTTP(S)."""
    return RepoSpec("git", _checked_url(url), checked_ref(ref))


def checked_ref(ref: str) -> str:
    """A branch, tag or commit; HEAD if none is given."""
    ref = ref.strip() or DEFAULT_REF
    if len(ref) > 250 or _BAD_REF.search(ref):
        raise UserError(
            f"“{ref[:80]}” cannot be the name of a branch, tag or commit.",
            "Leave the field empty for the repository's default branch.",
        )
    return ref


def _checked_url(url: str) -> str:
    try:
        parts = urlsplit(url)
        port_is_fine = parts.port is None or parts.port > 0
    except ValueError:
        parts, port_is_fine = urlsplit(""), False
    printable = url.isprintable() and not re.search(r"[\s'\"`\\<>|{}]", url)
    if parts.username or parts.password:
        raise UserError(
            "This address holds a user name or password.",
            "Never put credentials into an address. Private repositories cannot be launched yet.",
        )
    host_is_fine = bool(_HOST.match(parts.hostname or ""))
    fine = printable and port_is_fine and host_is_fine and len(url) <= 1000
    if parts.scheme not in ("http", "https") or not fine or not parts.path.strip("/"):
        raise UserError(
            f"“{url[:120]}” is not the address of a Git repository.",
            "Paste an address that starts with https://, as you would give it to `git clone`.",
        )
    return url.rstrip("/")
