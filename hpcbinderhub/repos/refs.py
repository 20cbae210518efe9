"""Where in a repository a ref may be found."""

from __future__ import annotations

import re

from ..errors import NotFound
from .spec import DEFAULT_REF, RepoSpec, is_full_commit

_SHORT_COMMIT = re.compile(r"^[0-9a-f]{7,39}$")


def ref_names(ref: str) -> list[str]:
    """Where a ref may be found, best first; a tag object's own commit before the object. Those who
    ask for the usual branch mean the default one, whatever it is called."""
    if ref == DEFAULT_REF:
        return ["HEAD"]
    if is_full_commit(ref):
        return []
    names = [f"refs/heads/{ref}", f"refs/tags/{ref}^{{}}", f"refs/tags/{ref}"]
    return [*names, "HEAD"] if ref in ("main", "master") else names


def is_short_commit(ref: str) -> bool:
    """Whether this may be the beginning of a commit's name."""
    return bool(_SHORT_COMMIT.match(ref))


def no_such_ref(spec: RepoSpec) -> NotFound:
    """What is said where nothing has this name."""
    return NotFound(
        f"{spec.repo_url} has no branch, tag or commit “{spec.ref}”.",
        "Check the spelling, or leave the ref empty for the default branch.",
    )
