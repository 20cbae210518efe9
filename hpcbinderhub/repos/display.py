"""The kinds of repositories that a launch page offers, as BinderHub's clients read them."""

from __future__ import annotations

from typing import Any

_DOI = r"10\.\d+/.+"
_RECORDS = (
    ("zenodo", "Zenodo", "DOI", "10.5281/zenodo.3242074", _DOI),
    ("figshare", "Figshare", "DOI", "10.6084/m9.figshare.9782777.v1", _DOI),
    ("dataverse", "Dataverse", "DOI", "10.7910/DVN/TJCLKP", _DOI),
    ("hydroshare", "HydroShare", "id or address", "8f7c2f0341ef4180b0dbe97f59130756", r"[^/]+"),
    ("ckan", "CKAN", "address", "https://demo.ckan.org/dataset/sample", r"[^/]+"),
    ("swh", "Software Heritage", "id", "swh:1:dir:d198bc9d7a6bcf6db04f476d29314f157507d505", ".+"),
    ("doi", "Other archive", "DOI", "10.5072/example", _DOI),
)


def _record(name: str, title: str, what: str, example: str, pattern: str) -> dict[str, Any]:
    """An archive. Its records have no refs."""
    return {
        "displayName": title,
        "id": name,
        "enabled": True,
        "spec": {"validateRegex": pattern},
        "repo": {
            "label": f"{title}: {what}",
            "placeholder": example,
            "urlEncode": name in ("hydroshare", "ckan"),
        },
        "ref": {"enabled": False},
    }


DISPLAY: list[dict[str, Any]] = [
    {
        "displayName": "GitHub",
        "id": "gh",
        "enabled": True,
        "spec": {"validateRegex": r"[^/]+/[^/]+/.+"},
        "detect": {"regex": r"^(https?://github.com/)?(?<repo>[^/]+/[^/]+)/?$"},
        "repo": {
            "label": "GitHub repository name or address",
            "placeholder": "https://github.com/organisation/repository",
            "urlEncode": False,
        },
        "ref": {"enabled": True, "default": "HEAD"},
    },
    {
        "displayName": "GitLab",
        "id": "gl",
        "enabled": True,
        "spec": {"validateRegex": r"[^/]+/.+"},
        "detect": {"regex": r"^(https?://gitlab.com/)?(?<repo>[^/]+/[^/]+.*?)/?$"},
        "repo": {
            "label": "GitLab project or address",
            "placeholder": "https://gitlab.com/group/project",
            "urlEncode": True,
        },
        "ref": {"enabled": True, "default": "HEAD"},
    },
    {
        "displayName": "Gist",
        "id": "gist",
        "enabled": True,
        "spec": {"validateRegex": r"[^/]+/[^/]+(/[^/]+)?"},
        "detect": {"regex": r"^(https?://gist.github.com/)?(?<repo>[^/]+/[^/]+)/?$"},
        "repo": {
            "label": "Gist's user and id, or address",
            "placeholder": "https://gist.github.com/user/0123456789abcdef",
            "urlEncode": False,
        },
        "ref": {"enabled": True, "default": "HEAD"},
    },
    {
        "displayName": "Git repository",
        "id": "git",
        "enabled": True,
        "spec": {"validateRegex": r"[^/]+/.+"},
        "repo": {
            "label": "Address of any Git repository",
            "placeholder": "https://git.example.org/repository",
            "urlEncode": True,
        },
        "ref": {"enabled": True, "default": "HEAD"},
    },
    *(_record(*words) for words in _RECORDS),
]
