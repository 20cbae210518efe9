"""The kinds of repositories that a launch page offers, as BinderHub's clients read them."""

from __future__ import annotations

from typing import Any

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
]
