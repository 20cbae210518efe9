"""Recipes that hold a password for a package index.

What such an index gives is not everybody's, so neither is the environment that is made from it.
"""

from __future__ import annotations

# A user name and a password before the host; or one word there, where an index is named. What is
# filled in from a variable is no secret.
PASSWORD = (
    r"https?://[^/@$[:space:]]+:[^/@$[:space:]]+@"
    r"|(index-url|find-links|-i|-f)[ =]+https?://[^/@$[:space:]]+@"
)
RECIPES = tuple(
    f":(glob)**/{name}"
    for name in (
        *("*.txt", "*.yml", "*.yaml", "*.toml", "*.cfg", "*.conf"),
        *("Pipfile*", "Dockerfile*", "postBuild", "*.R"),
    )
)


def notice(files: list[str]) -> str:
    """What somebody is told whose repository has such a recipe."""
    return (
        f"{', '.join(files[:3])} holds a password of a package index, so this environment is made "
        "for you alone. Secrets do not belong into a repository: whoever reads it has them, so "
        "have this one replaced."
    )
