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
]
